#include "admin/session.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "admin/problem.hpp"
#include "admin/server.hpp"
#include "codec/http1/date.hpp"
#include "codec/http1/writer.hpp"
#include "net/event.hpp"

namespace fairing::admin {
namespace {

constexpr std::size_t read_block = 4096;
constexpr milliseconds linger_time{2000};
constexpr std::size_t linger_bytes = 2 * 1024 * 1024;
constexpr std::size_t max_fields = 64;

}  // namespace

void append_response(std::string& out, const response& r, const wire_form& form) {
  out += fmt::format("HTTP/1.1 {} {}\r\n", r.status, reason_of(r.status));
  const auto date = http1::format_date(form.now);
  http1::append_header(out, "Date", {date.data(), date.size()});
  http1::append_header(out, "Content-Type", r.content_type);
  http1::append_header(out, "Content-Length", fmt::format("{}", r.body.size()));
  http1::append_header(out, "Cache-Control", "no-store");
  http1::append_header(out, "X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : r.fields) http1::append_header(out, name, value);
  if (!form.keep_alive)
    http1::append_header(out, "Connection", "close");
  else if (form.client_http_1_0)
    http1::append_header(out, "Connection", "keep-alive");
  out += "\r\n";
  if (!form.head_only) out += r.body;
}

session::session(admin_server& server, net::core& home, net::socket s)
    : server_(server),
      home_(home),
      stream_(home, std::move(s)),
      parser_(
          http1::parse_limits{server.limits_.head_bytes, server.limits_.head_bytes, max_fields}) {
  home_.watch(*this);
  server_.sessions_[home_.index()].push_back(this);
}

session::~session() {
  std::erase(server_.sessions_[home_.index()], this);
  server_.ended();
}

void session::start(admin_server& server, net::core& home, net::socket s, bool room) {
  auto* self = new session(server, home, std::move(s));
  net::spawn([](session* owner, bool has_room) -> net::task<void> {
    const std::unique_ptr<session> owned(owner);
    co_await owned->run(has_room);
  }(self, room));
}

void session::on_deadline() {
  expired_ = true;
  // A pending read ends as at the end of the stream, so that a 408 can still be written.
  if (reading_)
    ::shutdown(stream_.native(), SHUT_RD);
  else
    stream_.close();
}

void session::abort() noexcept { stream_.close(); }

net::task<void> session::run(bool room) {
  if (room) {
    bool again = true;
    while (again && !server_.stopping_.load()) again = co_await serve_one();
  } else {
    answer_ = refuse(problem::overloaded,
                     fmt::format("{} connections are open", server_.limits_.connections));
    co_await send(false);
    lingers_ = true;
  }
  if (lingers_ && stream_.is_open()) co_await linger();
  stream_.close();
}

net::task<bool> session::serve_one() {
  const auto head = co_await read_head();
  if (head == got::gone) co_return false;
  bool keep = false;
  if (head == got::whole) {
    auto p = server_.router_.admit(request_);
    const bool body_follows = body_ == http1::body_kind::chunked || body_length_ > 0;
    if (p.refusal) {
      answer_ = *std::move(p.refusal);
      keep = keep_alive_ && !body_follows;
    } else {
      const auto body = co_await read_body();
      if (body == got::gone) co_return false;
      if (body == got::whole) {
        keep = keep_alive_;
        co_await make_answer(std::move(p));
      }
    }
  }
  lingers_ = !keep;
  const bool sent = co_await send(keep);
  co_return sent&& keep;
}

// Reads once; the deadline counts from step_began_.
net::task<session::got> session::read_more(milliseconds timeout) {
  set_deadline(step_began_ + timeout);
  char block[read_block];
  reading_ = true;
  const auto r = co_await stream_.read_some(block);
  reading_ = false;
  clear_deadline();
  if (r.ok() && r.bytes > 0) {
    in_.append(block, r.bytes);
    co_return got::whole;
  }
  if (!expired_ || !stream_.is_open()) co_return got::gone;
  answer_ = refuse(problem::request_timeout,
                   fmt::format("it was not complete after {} ms", timeout.count()));
  co_return got::refused;
}

net::task<session::got> session::read_head() {
  parser_.reset();
  step_began_ = now().mono;
  for (;;) {
    if (!in_.empty()) {
      const auto status = parser_.parse_request(in_, head_);
      if (status == http1::parse_status::error) co_return reject_head();
      if (status == http1::parse_status::complete) break;
    }
    const bool idle = in_.empty();
    const auto more =
        co_await read_more(idle ? server_.limits_.idle_timeout : server_.limits_.head_timeout);
    if (more == got::refused && idle) co_return got::gone;
    if (more != got::whole) co_return more;
    if (idle) step_began_ = now().mono;
  }
  take_head();
  co_return got::whole;
}

session::got session::reject_head() {
  const auto e = parser_.error();
  auto what = problem::bad_request;
  switch (http1::status_for(e)) {
    case 414:
      what = problem::uri_too_long;
      break;
    case 431:
      what = problem::head_too_large;
      break;
    case 505:
      what = problem::version_not_supported;
      break;
    default:
      break;
  }
  request_ = {};
  answer_ = refuse(what, make_error_code(e).message());
  return got::refused;
}

void session::take_head() {
  using http1::field;
  request_ = {};
  request_.method = head_.method;
  request_.path = head_.path;
  request_.query = head_.query;
  request_.host = head_.authority;
  request_.authorization = head_.get(field::authorization);
  if (const auto* h = head_.find("Origin")) request_.origin = h->value;
  if (const auto* h = head_.find("User-Agent")) request_.by_cli = h->value.starts_with("fairing/");
  if (const auto* h = head_.find("Sec-Fetch-Site")) request_.fetch_site = h->value;
  body_ = head_.body;
  body_length_ = head_.body == http1::body_kind::length ? head_.content_length : 0;
  http_1_0_ = head_.version_minor == 0;
  keep_alive_ = head_.keep_alive;
  expect_continue_ = head_.expect_continue;
  in_.erase(0, head_.size);
  head_.headers.clear();
}

net::task<session::got> session::read_body() {
  const auto limit = server_.limits_.body_bytes;
  const auto too_large = [&] {
    answer_ = refuse(problem::body_too_large, fmt::format("the limit is {} bytes", limit));
    return got::refused;
  };
  if (body_length_ > limit) co_return too_large();
  const bool chunked = body_ == http1::body_kind::chunked;
  if (!chunked && body_length_ == 0) co_return got::whole;
  if (expect_continue_ && in_.empty()) {
    set_deadline(now().mono + server_.limits_.write_timeout);
    const auto ec = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
    clear_deadline();
    if (ec) co_return got::gone;
  }
  step_began_ = now().mono;
  http1::chunked_decoder decoder;
  for (;;) {
    if (!chunked && in_.size() >= body_length_) {
      request_.body.assign(in_, 0, static_cast<std::size_t>(body_length_));
      in_.erase(0, static_cast<std::size_t>(body_length_));
      co_return got::whole;
    }
    std::size_t used = 0;
    auto status = http1::parse_status::need_more;
    while (chunked && status == http1::parse_status::need_more && used < in_.size()) {
      const auto step = decoder.next(std::string_view(in_).substr(used));
      if (request_.body.size() + step.data.size() > limit) co_return too_large();
      request_.body += step.data;
      status = step.status;
      used += step.consumed;
      if (step.consumed == 0) break;
    }
    in_.erase(0, used);
    if (status == http1::parse_status::complete) co_return got::whole;
    if (status == http1::parse_status::error) {
      answer_ = refuse(problem::bad_request, make_error_code(decoder.error()).message());
      co_return got::refused;
    }
    const auto more = co_await read_more(server_.limits_.body_timeout);
    if (more != got::whole) co_return more;
  }
}

net::task<void> session::make_answer(plan p) {
  // What the worker fills outlives neither: this coroutine waits for it, and the server for this.
  if (!p.on_worker) {
    answer_ = server_.router_.answer(p, request_);
    co_return;
  }
  net::event done(home_);
  const bool taken = server_.worker_.submit([this, &p, wake = done.make_waker()] {
    answer_ = server_.router_.answer(p, request_);
    wake();
  });
  if (!taken) {
    answer_ = refuse(problem::overloaded, "too many admin requests wait");
    co_return;
  }
  co_await done.wait();
  // Whoever watches over time counts; our own page and command line do not (checklist, point 10).
  const bool watched = !request_.by_cli && request_.fetch_site.empty();
  if (watched && request_.path == "/metrics" && answer_.status == 200) server_.scraped();
}

net::task<bool> session::send(bool keep_alive) {
  std::string out;
  append_response(out, answer_,
                  {.keep_alive = keep_alive,
                   .client_http_1_0 = http_1_0_,
                   .head_only = request_.method == http1::method::head,
                   .now = now().wall});
  answer_ = {};
  set_deadline(now().mono + server_.limits_.write_timeout);
  const auto ec = co_await stream_.write(out);
  clear_deadline();
  co_return !ec;
}

net::task<void> session::linger() {
  stream_.shutdown_send();
  step_began_ = now().mono;
  for (std::size_t seen = 0; seen < linger_bytes && !expired_; seen += in_.size()) {
    in_.clear();
    const auto more = co_await read_more(linger_time);
    if (more != got::whole) co_return;
  }
}

}  // namespace fairing::admin
