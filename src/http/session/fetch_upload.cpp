// The request's body on its way to the backend, and what happens to it when the exchange or the client ends early.
#include "codec/http1/writer.hpp"
#include "http/session/fetch.hpp"
#include "http/session/plane.hpp"
#include "net/alarm.hpp"

namespace fairing::http {

void fetch::release_body() {
  if (auto* body = std::exchange(request_.body, nullptr)) body->upload_done(false);
}

void fetch::leave(bool unwanted) {
  if (upload_running_)
    if (const auto link = link_.lock()) stop_upload(*link);
  if (!upload_started_) release_body();
  buffer_.disown();
  if (!unwanted) return;
  cancelled_ = true;
  if (const auto link = link_.lock()) link->stream->close();
}

// Expect: 100-continue: waits for the backend's word; silence for a second means go (RFC 9110 §10.1.1).
net::task<bool> fetch::may_upload() {
  if (!request_.head.expect_continue) co_return true;
  const net::alarm patience(home_.core, upload_wake_.make_waker(), now().mono + seconds{1});
  while (!may_continue_ && !stop_upload_ && phase() == fetch_phase::waiting && !patience.rang())
    co_await upload_wake_.wait();
  // The final answer has begun: 100 would land in the middle of it.
  if (phase() != fetch_phase::waiting) stop_upload_ = true;
  if (stop_upload_) co_return false;
  const bool sent = co_await request_.body->send_continue();
  co_return sent;
}

net::task<void> fetch::upload(link_ptr link) {
  auto self = shared_from_this();
  auto& source = *request_.body;
  const bool chunked = request_.head.body == http1::body_kind::chunked;
  bool ok = co_await may_upload();
  std::string framed;
  while (ok) {
    // While the client is to send, only the request's whole time counts against the backend.
    if (phase() == fetch_phase::waiting) link->set_deadline(request_.deadline);
    auto step = co_await source.next();
    if (step.failed) ok = false;
    if (!ok || stop_upload_) {
      if (!ok || step.end) break;
      continue;  // drained, so that the client can read its answer
    }
    framed.clear();
    net::part parts[3];
    std::size_t n = 0;
    if (!step.data.empty()) {
      if (chunked) {
        http1::append_chunk_header(framed, step.data.size());
        parts[n++] = {.memory = framed};
      }
      parts[n++] = {.memory = step.data};
      if (chunked) parts[n++] = {.memory = "\r\n"};
    }
    std::string last;
    if (step.end && chunked) http1::append_last_chunk(last, source.trailers());
    if (phase() == fetch_phase::waiting)
      link->set_deadline(
          std::min(request_.deadline, now().mono + request_.site->config.timeouts.idle));
    auto ec = co_await link->stream->write(std::span<const net::part>(parts, n));
    if (!ec && !last.empty()) ec = co_await link->stream->write(last);
    if (step.end) {
      upload_complete_ = !ec;
      break;
    }
    // The backend closed its ear: it may have answered already. Drain the client.
    if (ec) stop_upload_ = true;
  }
  upload_running_ = false;
  if (upload_complete_ && phase() == fetch_phase::waiting)
    link->set_deadline(head_deadline(now().mono));
  // A client that gave up mid-body: the backend must not wait for the rest.
  if (!ok && !stop_upload_) {
    upload_failed_ = true;
    link->stream->close();
  }
  source.upload_done(upload_complete_);
}

void fetch::stop_upload(upstream_link& link) {
  if (!upload_running_) return;
  stop_upload_ = true;
  upload_wake_.set();
  link.stream->close();
}

}  // namespace fairing::http
