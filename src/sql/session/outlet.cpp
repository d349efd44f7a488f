#include "sql/session/outlet.hpp"

#include <sys/socket.h>

#include <utility>

#include "net/alarm.hpp"

namespace fairing::sql {

bool write_scratch::hold(outlet& to) {
  std::size_t size = 0;
  for (const auto v : views) size += v.size();
  if (size > most_each || pieces_.size() == most_pieces) return false;
  for (const auto v : views) held_.append(v);
  if (!pieces_.empty() && pieces_.back().to == &to)
    pieces_.back().size += size;
  else
    pieces_.push_back({&to, size});
  to.held_by_ = this;
  return true;
}

void write_scratch::send_held() {
  for (std::size_t i = 0, begin = 0; i < pieces_.size(); begin += pieces_[i++].size) {
    auto* const to = pieces_[i].to;
    if (to == nullptr) continue;
    to->held_by_ = nullptr;
    views.clear();
    for (std::size_t k = i, at = begin; k < pieces_.size(); at += pieces_[k++].size) {
      if (pieces_[k].to != to) continue;
      views.push_back(std::string_view(held_).substr(at, pieces_[k].size));
      pieces_[k].to = nullptr;
    }
    to->send(*this);
  }
  pieces_.clear();
  held_.clear();
}

bool outlet::may_hold(sending when) const noexcept {
  if (when == sending::at_once || !stream_ || stream_->is_tls() || draining_ || failed_)
    return false;
  return when == sending::at_turn_end || home_.reactor().has_more();
}

void outlet::put(out_batch& batch, write_scratch& scratch, sending when) {
  if (batch.empty()) return;
  scratch.views.clear();
  batch.views(scratch.views);
  if (!may_hold(when) || !scratch.hold(*this)) {
    if (held_by_) {
      settle();
      scratch.views.clear();
      batch.views(scratch.views);
    }
    send(scratch);
  }
  batch.clear();
}

void outlet::send(write_scratch& scratch) {
  if (!stream_ || failed_) return;
  if (draining_ || stream_->is_tls()) {
    for (const auto v : scratch.views) backlog_.append(v);
    return start_drain();
  }
  scratch.parts.clear();
  for (const auto v : scratch.views) scratch.parts.push_back({.memory = v});
  net::write_state at;
  const bool ended = stream_->send_now(scratch.parts, at);
  if (!ended) {
    auto skip = static_cast<std::size_t>(at.done);
    for (auto i = at.part; i < scratch.views.size(); ++i, skip = 0)
      backlog_.append(scratch.views[i].substr(skip));
  }
  if (ended && at.error) {
    failed_ = true;
    ::shutdown(stream_->native(), SHUT_RDWR);  // who reads is told, too
  }
  if (!ended) start_drain();
}

void outlet::put(std::string_view bytes) {
  settle();
  if (bytes.empty() || !stream_ || failed_) return;
  backlog_.append(bytes);
  start_drain();
}

void outlet::start_drain() {
  if (draining_) return;
  draining_ = true;
  net::spawn(drain());
}

net::task<void> outlet::drain() {
  {
    std::optional<net::closer> limit;
    if (limit_) limit.emplace(home_, *stream_, *limit_);
    while (!backlog_.empty() && !failed_) {
      const std::string bytes = std::exchange(backlog_, {});
      const auto ec = co_await stream_->write(bytes);
      if (ec) failed_ = true;
    }
  }
  backlog_.clear();
  draining_ = false;
  if (failed_ && stream_->is_open()) ::shutdown(stream_->native(), SHUT_RDWR);
  rouse();
}

void outlet::rouse() {
  for (auto* w = std::exchange(waiters_, nullptr); w != nullptr;) {
    const auto handle = w->handle;
    w = w->next;
    home_.post([handle] { handle.resume(); });
  }
}

}  // namespace fairing::sql
