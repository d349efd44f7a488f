// A tunnel after 101: bytes both ways, each with its own bound and half-close, until both have ended.
#include "http/session/connection.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t block = 16 * 1024;

struct pump_state {
  std::uint64_t bytes = 0;
  bool done = false;
};

// Moves bytes one way; what a direction reads keeps both ends from being idle.
net::task<void> pump(net::stream& from, net::stream& to, in_buffer& buffered,
                     std::function<void()> alive, pump_state& state) {
  for (;;) {
    if (!buffered.empty()) {
      auto ec = co_await to.write(buffered.view());
      if (ec) break;
      state.bytes += buffered.size();
      buffered.consume(buffered.size());
      alive();
    }
    auto r = co_await from.read_some(buffered.prepare(block));
    if (!r.ok() || r.bytes == 0) break;
    buffered.commit(r.bytes);
    alive();
  }
  to.shutdown_send();
  state.done = true;
}
}  // namespace

net::task<bool> connection::tunnel(std::shared_ptr<fetch> f) {
  auto& p = *pending_;
  auto link = f->take_tunnel();
  append_response_head(
      out_.text(), f->raw_head(),
      {.upgrade = true, .tell_via = !site_->config.egress, .now = now().wall, .status = nullptr});
  const bool sent = co_await flush();
  if (!sent) co_return false;
  const auto idle = site_->config.timeouts.idle;
  const auto alive = [this, idle, raw = link.get()] {
    set_deadline(now().mono + idle);
    raw->set_deadline(now().mono + idle);
  };
  alive();
  pump_state up;
  pump_state down;
  net::event other(home_.core);
  net::spawn([](net::stream& from, net::stream& to, in_buffer& buffered, std::function<void()> keep,
                pump_state& state, net::event& ended) -> net::task<void> {
    co_await pump(from, to, buffered, std::move(keep), state);
    ended.set();
  }(stream_, *link->stream, in_, alive, up, other));
  co_await pump(*link->stream, stream_, link->in, alive, down);
  // The backend has ended: the client may still be sending, but not for long.
  set_deadline(std::min(deadline(), now().mono + seconds{5}));
  while (!up.done) co_await other.wait();
  finish_request(f->request_head(), p.request.route, p.status, cache_result::bypass, 101,
                 p.began_us, down.bytes);
  co_return false;
}

}  // namespace fairing::http
