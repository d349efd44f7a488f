#include "service/session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairing::service {
namespace {

constexpr std::size_t read_block = 2048;
constexpr std::size_t body_block = 64 * 1024;
constexpr std::size_t free_bytes = 64 * 1024;   // of a body, before it is counted
constexpr std::size_t ahead_bytes = 64 * 1024;  // read while an answer is not yet written
constexpr milliseconds linger_time{2000};
constexpr std::size_t linger_bytes = 2 * 1024 * 1024;
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

session::session(server& owner, net::core& home, net::socket s)
    : server_(owner),
      home_(home),
      part_(owner.parts_[home.index()]),
      stream_(home, std::move(s)),
      parser_(http1::parse_limits{owner.limits_.head_bytes, owner.limits_.head_bytes,
                                  owner.limits_.fields}) {
  if (part_.free.empty()) {
    part_.free.push_back(static_cast<std::uint32_t>(part_.slots.size()));
    part_.slots.emplace_back();
  }
  slot_ = part_.free.back();
  part_.free.pop_back();
  part_.slots[slot_].owner = this;
  home_.watch(*this);
}

session::~session() {
  part_.slots[slot_].owner = nullptr;
  part_.free.push_back(slot_);
  server_.let_go(held_);
  server_.ended();
}

void session::start(server& owner, net::core& home, net::socket s, bool room) {
  auto* self = new session(owner, home, std::move(s));
  net::spawn([](session* made, bool has_room) -> net::task<void> {
    const std::unique_ptr<session> owned(made);
    co_await owned->run(has_room);
  }(self, room));
}

net::task<void> session::run(bool room) {
  if (!room)
    refuse(fault::overloaded, fmt::format("{} connections are open", server_.limits_.connections));
  for (;;) {
    step();
    if (!stream_.is_open()) break;
    if ((phase_ == phase::waiting || writing_) && in_.size() >= ahead_bytes) {
      co_await wake().wait();
      continue;
    }
    const auto space = room_to_read();
    const auto r = co_await stream_.read_plain(space);
    if (!r.ok() || r.bytes == 0 || !take_bytes(r.bytes)) break;
  }
  while (writing_) co_await wake().wait();  // its deadline ends it
  if (phase_ == phase::waiting)
    server_.handler_->gone({home_.index(), slot_, part_.slots[slot_].serial});
  stream_.close();
}

net::event& session::wake() {
  if (!wake_) wake_ = std::make_unique<net::event>(home_);
  return *wake_;
}

std::span<char> session::room_to_read() {
  if (phase_ == phase::head) in_.shrink();
  if (phase_ != phase::body) return in_.prepare(read_block);
  const auto missing = need_ > in_.size() ? need_ - in_.size() : read_block;
  return in_.prepare(std::clamp(missing, read_block, body_block));
}

bool session::take_bytes(std::size_t n) {
  if (phase_ == phase::closing) {
    thrown_away_ += n;
    return thrown_away_ < linger_bytes;
  }
  if (phase_ == phase::head && in_.empty()) began_ = now().mono;
  in_.commit(n);
  return true;
}

void session::step() {
  while (!writing_) {
    if (phase_ == phase::head) {
      if (in_.empty() || !take_head()) break;
    } else if (phase_ == phase::body) {
      if (!take_body()) break;
    } else {
      break;
    }
  }
  flush();
  wait_for_what_is_next();
}

bool session::take_head() {
  auto& head = part_.head;
  const auto status = parser_.parse_request(in_.view(), head);
  if (status == http1::parse_status::need_more) return false;
  if (status == http1::parse_status::error) {
    reject_head();
    return true;
  }
  parser_.reset();
  http_1_0_ = head.version_minor == 0;
  head_only_ = head.method == http1::method::head;
  keep_alive_ = head.keep_alive && !server_.draining_.load(std::memory_order_relaxed);
  chunked_ = head.body == http1::body_kind::chunked;
  const auto length = head.body == http1::body_kind::length ? head.content_length : 0;
  if (auto refusal = server_.handler_->admit({head, {}, {}})) {
    in_.consume(head.size);
    respond(*refusal, keep_alive_ && !chunked_ && length == 0);
    return true;
  }
  if (const auto limit = server_.body_limit_.load(std::memory_order_relaxed); length > limit) {
    refuse(fault::body_too_large, fmt::format("the limit is {} bytes", limit));
    return true;
  }
  need_ = head.size + static_cast<std::size_t>(length);
  if (!chunked_ && in_.size() >= need_) {
    serve(in_.view().substr(head.size, need_ - head.size));
    return true;
  }
  begin_body();
  return true;
}

void session::begin_body() {
  const auto& head = part_.head;
  phase_ = phase::body;
  began_ = now().mono;
  if (!chunked_ && !grow(need_)) return refuse(fault::overloaded, "too many bodies are held");
  if (head.expect_continue && in_.size() == head.size) part_.out += go_on;
  if (!chunked_) return;
  chunks_ = std::make_unique<chunks>();
  chunks_->head = in_.view().substr(0, head.size);
  in_.consume(head.size);
}

// The head is parsed once more: its views moved while the body arrived.
bool session::take_body() {
  if (chunked_) return take_chunks();
  if (in_.size() < need_) return false;
  auto& head = part_.head;
  if (parser_.parse_request(in_.view(), head) != http1::parse_status::complete) {
    reject_head();
    return true;
  }
  parser_.reset();
  serve(in_.view().substr(head.size, need_ - head.size));
  let_go_of_body();
  return true;
}

bool session::take_chunks() {
  auto& c = *chunks_;
  auto status = http1::parse_status::need_more;
  while (status == http1::parse_status::need_more && !in_.empty()) {
    const auto piece = c.decoder.next(in_.view());
    if (const auto limit = server_.body_limit_.load(std::memory_order_relaxed);
        c.body.size() + piece.data.size() > limit) {
      refuse(fault::body_too_large, fmt::format("the limit is {} bytes", limit));
      return true;
    }
    c.body += piece.data;
    status = piece.status;
    if (piece.consumed == 0 && status == http1::parse_status::need_more) break;
    in_.consume(piece.consumed);
  }
  if (!grow(c.body.size())) {
    refuse(fault::overloaded, "too many bodies are held");
    return true;
  }
  if (status == http1::parse_status::need_more) return false;
  if (status == http1::parse_status::error) {
    refuse(fault::bad_request, make_error_code(c.decoder.error()).message());
    return true;
  }
  const auto whole = std::move(chunks_);
  if (parser_.parse_request(whole->head, part_.head) != http1::parse_status::complete) {
    reject_head();
    return true;
  }
  parser_.reset();
  serve(whole->body);
  let_go_of_body();
  return true;
}

// What is answered later may be in memory until then, wherever the handler has put it.
void session::let_go_of_body() {
  if (phase_ != phase::waiting) (void)grow(0);
}

bool session::grow(std::size_t to) {
  const auto wanted = to > free_bytes ? to : 0;
  if (wanted <= held_) {
    server_.let_go(held_ - wanted);
    held_ = wanted;
    return true;
  }
  if (!server_.hold(wanted - held_)) return false;
  held_ = wanted;
  return true;
}

void session::serve(std::string_view body) {
  auto& serial = part_.slots[slot_].serial;
  ++serial;
  phase_ = phase::waiting;
  const auto answer = server_.handler_->serve({part_.head, body, {home_.index(), slot_, serial}});
  if (!chunked_) in_.consume(need_);
  if (answer) respond(*answer, keep_alive_);
}

bool session::answered(const response& r) {
  if (phase_ != phase::waiting || !stream_.is_open()) return false;
  ++part_.slots[slot_].serial;  // no second answer
  (void)grow(0);
  respond(r, keep_alive_ && !server_.draining_.load(std::memory_order_relaxed));
  step();
  if (wake_) wake_->set();
  return true;
}

void session::reject_head() {
  const auto e = parser_.error();
  auto what = fault::bad_request;
  switch (http1::status_for(e)) {
    case 414:
      what = fault::uri_too_long;
      break;
    case 431:
      what = fault::head_too_large;
      break;
    case 505:
      what = fault::version_not_supported;
      break;
    default:
      break;
  }
  head_only_ = false;
  refuse(what, make_error_code(e).message());
}

void session::refuse(fault f, std::string_view detail) {
  respond(server_.handler_->refuse(f, detail), false);
}

void session::respond(const response& r, bool keep_alive) {
  append_response(part_.out, r,
                  {.keep_alive = keep_alive,
                   .client_http_1_0 = http_1_0_,
                   .head_only = head_only_,
                   .now = now().wall});
  phase_ = keep_alive ? phase::head : phase::closing;
  began_ = now().mono;
  if (keep_alive) return;
  in_.consume(in_.size());
  chunks_.reset();
  grow(0);
}

// Most answers go out whole at once: then no coroutine is made for the write.
void session::flush() {
  if (part_.out.empty() || writing_) return;
  if (!stream_.is_open()) return part_.out.clear();
  const net::part whole{.memory = part_.out};
  net::write_state at;
  if (stream_.send_now({&whole, 1}, at)) {
    part_.out.clear();
    if (at.error) stream_.close();
    return;
  }
  out_.swap(part_.out);
  part_.out.clear();
  writing_ = true;
  written_ = stream_.sent();
  net::spawn(write_rest(at));
}

net::task<void> session::write_rest(net::write_state at) {
  const net::part whole{.memory = out_};
  const auto ec = co_await stream_.write({&whole, 1}, at);
  out_ = {};
  writing_ = false;
  if (ec) stream_.close();
  if (wake_) wake_->set();  // run() may be the only one left, and ends then
  if (stream_.is_open()) step();
}

void session::wait_for_what_is_next() {
  const auto& l = server_.limits_;
  const auto at = now().mono;
  if (writing_) return set_deadline(at + l.write_timeout);
  switch (phase_) {
    case phase::head:
      return set_deadline(in_.empty() ? at + l.idle_timeout : began_ + l.head_timeout);
    case phase::body:
      return set_deadline(began_ + l.body_timeout);
    case phase::waiting:
      return clear_deadline();
    case phase::closing:
      if (!half_closed_) {
        stream_.shutdown_send();
        began_ = at;
        half_closed_ = true;
      }
      return set_deadline(began_ + linger_time);
  }
}

void session::on_deadline() {
  if (writing_ && stream_.sent() != written_) {
    written_ = stream_.sent();
    return set_deadline(now().mono + server_.limits_.write_timeout);
  }
  const bool incomplete = phase_ == phase::body || (phase_ == phase::head && !in_.empty());
  if (writing_ || !incomplete) return stream_.close();
  const auto limit =
      phase_ == phase::body ? server_.limits_.body_timeout : server_.limits_.head_timeout;
  refuse(fault::request_timeout, fmt::format("it was not complete after {} ms", limit.count()));
  step();
}

void session::abort() noexcept {
  stream_.close();
  if (wake_) wake_->set();
}

void session::begin_drain() {
  if (phase_ == phase::head && in_.empty() && !writing_) stream_.close();
}

}  // namespace fairing::service
