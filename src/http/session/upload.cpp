// The current request's body, slice by slice, as a fetch asks for it.
#include "http/session/connection.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t read_block = 32 * 1024;
}

net::task<body_source::step> connection::next() {
  in_.consume(consume_next_);
  consume_next_ = 0;
  const auto fail_body = [this](std::optional<problem> why) {
    body_failure_ = why;
    return step{{}, false, true};
  };
  bool timed = false;
  for (;;) {
    if (!body_chunked_ && body_left_ == 0) co_return step{{}, true, false};
    if (!in_.empty()) {
      step s;
      if (body_chunked_) {
        const auto got = chunks_.next(in_.view());
        if (got.status == http1::parse_status::error) co_return fail_body(problem::bad_request);
        s = {got.data, got.status == http1::parse_status::complete, false};
        consume_next_ = got.consumed;
        body_taken_ += got.data.size();
        if (body_taken_ + std::min<std::uint64_t>(chunks_.chunk_left(), INT64_MAX) >
            site_->config.limits.body)
          co_return fail_body(problem::body_too_large);
        if (got.data.empty() && !s.end) {
          in_.consume(std::exchange(consume_next_, 0));
          if (got.consumed > 0) continue;
        } else {
          co_return s;
        }
      } else {
        s.data = in_.view().substr(0, std::min<std::uint64_t>(body_left_, in_.size()));
        body_left_ -= s.data.size();
        consume_next_ = s.data.size();
        s.end = body_left_ == 0;
        co_return s;
      }
    }
    reading_ = true;
    timed = deadline() == mono_time::max();
    if (timed) set_deadline(now().mono + site_->config.timeouts.body);
    auto r = co_await stream_.read_some(in_.prepare(read_block));
    reading_ = false;
    if (!r.ok() || r.bytes == 0)
      co_return fail_body(expired_ ? std::optional(problem::request_timeout) : std::nullopt);
    if (timed) clear_deadline();
    in_.commit(r.bytes);
  }
}

net::task<bool> connection::send_continue() {
  auto ec = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
  co_return !ec;
}

void connection::upload_done(bool complete) {
  in_.consume(std::exchange(consume_next_, 0));
  body_complete_ = complete;
  upload_active_ = false;
  upload_ended_->set();
}

// After the answer: may the connection go on? Its body must have been read to the end. A fetch that still reads it
// throws it away meanwhile, so that the client gets to read its answer; it must be done before this object goes.
net::task<bool> connection::settle_body(bool keep_alive) {
  if (upload_active_) {
    stream_.shutdown_send();
    set_deadline(now().mono + seconds{2});
    while (upload_active_) co_await upload_ended_->wait();
    co_return false;
  }
  co_return keep_alive&& body_complete_;
}

}  // namespace fairing::http
