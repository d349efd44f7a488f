#include "jobs/session/push_client.hpp"

#include <algorithm>
#include <array>

namespace fairing::jobs {

namespace http1 = codec::http1;

namespace {

constexpr std::size_t read_block = 8 * 1024;
constexpr std::size_t longest_head = 16 * 1024;
constexpr seconds idle_time{30};
constexpr int most_interim = 8;

push_answer fault(push_fault f, std::string detail) {
  push_answer a;
  a.fault = f;
  a.detail = std::move(detail);
  return a;
}

push_answer no_connection(net::dial_result d) {
  // Our own want of descriptors says nothing about the target.
  const auto f = d.fault == net::dial_fault::resources ? push_fault::broken : push_fault::absent;
  return fault(f, std::move(d.detail));
}

}  // namespace

push_client::link_ptr push_client::take() {
  const auto t = now().mono;
  while (!idle_.empty()) {
    auto l = std::move(idle_.back());
    idle_.pop_back();
    if (!l->expired && t < l->idle_until && l->stream->quiet()) return l;
  }
  return nullptr;
}

void push_client::keep(link_ptr l) {
  if (stopped_ || l->expired || !l->reusable || !l->in.empty()) return;
  l->idle_until = now().mono + idle_time;
  l->set_deadline(l->idle_until);
  l->in.shrink();
  if (idle_.size() >= limits_.idle) idle_.erase(idle_.begin());
  idle_.push_back(std::move(l));
}

void push_client::stop() {
  stopped_ = true;
  idle_.clear();
  for (const auto& l : busy_) l->stream->close();
}

net::task<push_answer> push_client::post(std::string head, std::string_view body,
                                         mono_time deadline) {
  for (;;) {
    auto l = take();
    const bool kept = l != nullptr;
    if (!l) {
      auto dialed =
          co_await net::dial(core_, target_, names_, std::min(deadline, now().mono + connect_time));
      if (!dialed.connection) co_return no_connection(std::move(dialed));
      l = std::make_shared<link>(core_, std::move(dialed.connection));
    }
    if (stopped_) co_return fault(push_fault::stopped, "Fairing ends");
    l->heard = l->reusable = false;
    l->set_deadline(deadline);
    busy_.push_back(l);
    auto a = co_await exchange(l, head, body);
    std::erase(busy_, l);
    l->clear_deadline();
    if (stopped_) co_return fault(push_fault::stopped, "Fairing ended before the answer came");
    if (l->expired) co_return fault(push_fault::timeout, "no whole answer in the attempt's time");
    if (a.fault == push_fault::broken && kept && !l->heard) continue;
    keep(std::move(l));
    co_return a;
  }
}

// Reads on; false: the connection ended.
net::task<bool> push_client::more(link_ptr l) {
  const auto r = co_await l->stream->read_some(l->in.prepare(read_block));
  if (!r.ok() || r.bytes == 0) co_return false;
  l->in.commit(r.bytes);
  l->heard = true;
  co_return true;
}

net::task<push_answer> push_client::exchange(link_ptr l, std::string_view head,
                                             std::string_view body) {
  const std::array<net::part, 2> parts{net::part{.memory = head}, net::part{.memory = body}};
  // Where this fails an answer may have come all the same: a target that does not read a body to its end.
  const auto sent = co_await l->stream->write(std::span(parts).first(body.empty() ? 1 : 2));
  http1::response_head answer;
  std::string bytes;
  const bool headed = co_await read_head(l, answer, bytes);
  if (!headed)
    co_return fault(push_fault::broken, l->heard ? "the answer is no HTTP/1.1"
                                                 : "the connection ended before an answer came");
  push_answer a;
  a.status = answer.status;
  a.retry_after = answer.get(http1::field::retry_after);
  a.content_type = answer.get(http1::field::content_type);
  const bool whole = co_await read_body(l, answer, a);
  if (!whole) co_return fault(push_fault::broken, "the connection ended inside the answer");
  l->reusable =
      !sent && !a.cut && answer.keep_alive && answer.body != http1::body_kind::until_close;
  if (a.cut && a.status < 300) a.body.clear();
  co_return a;
}

// The final head, in `bytes`, which it views.
net::task<bool> push_client::read_head(link_ptr l, http1::response_head& head, std::string& bytes) {
  http1::head_parser parser(http1::parse_limits{.head_bytes = longest_head});
  int interim = 0;
  for (;;) {
    const auto status = parser.parse_response(l->in.view(), http1::method::post, head);
    if (status == http1::parse_status::error) co_return false;
    if (status == http1::parse_status::need_more) {
      const bool came = co_await more(l);
      if (!came) co_return false;
      continue;
    }
    if (head.status < 200) {
      if (head.status == 101 || ++interim > most_interim) co_return false;
      l->in.consume(head.size);
      parser.reset();
      continue;
    }
    bytes.assign(l->in.view().substr(0, head.size));
    l->in.consume(head.size);
    http1::head_parser again(http1::parse_limits{.head_bytes = longest_head});
    co_return again.parse_response(bytes, http1::method::post, head) ==
        http1::parse_status::complete;
  }
}

// Up to limits_.body bytes of it; a.cut: there was more. False: it ended early or is malformed.
net::task<bool> push_client::read_body(link_ptr l, const http1::response_head& head,
                                       push_answer& a) {
  http1::chunked_decoder chunks;
  auto left = head.body == http1::body_kind::length ? head.content_length : UINT64_MAX;
  if (head.body == http1::body_kind::none) left = 0;
  const auto put = [&](std::string_view data) {
    const auto room = limits_.body - a.body.size();
    a.cut = data.size() > room;
    a.body.append(data.substr(0, room));
  };
  while (left > 0 && !a.cut) {
    if (head.body == http1::body_kind::chunked) {
      const auto step = chunks.next(l->in.view());
      if (step.status == http1::parse_status::error) co_return false;
      put(step.data);
      l->in.consume(step.consumed);
      if (step.status == http1::parse_status::complete) co_return true;
      if (step.consumed > 0) continue;
    } else if (const auto there = l->in.view(); !there.empty()) {
      const auto piece = there.substr(0, std::min<std::uint64_t>(left, there.size()));
      put(piece);
      left -= left == UINT64_MAX ? 0 : piece.size();
      l->in.consume(piece.size());
      continue;
    }
    const bool came = co_await more(l);
    if (!came) co_return head.body == http1::body_kind::until_close && !l->expired;
  }
  co_return true;
}

}  // namespace fairing::jobs
