#include "http/session/connection.hpp"

#include <sys/socket.h>

#include "base/log.hpp"
#include "codec/http1/proxy_protocol.hpp"
#include "net/alarm.hpp"
#include "net/listener.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t read_block = 2048;
constexpr milliseconds linger_time{2000};
constexpr milliseconds last_words_time{5000};
constexpr std::size_t linger_bytes = 1 << 20;

http1::parse_limits limits_of(const site_config& c) {
  return {static_cast<std::size_t>(c.limits.header), static_cast<std::size_t>(c.limits.target),
          128};
}
}  // namespace

connection::connection(core_state& home, std::size_t site_index, net::socket s)
    : home_(home),
      site_index_(site_index),
      site_(home.site(site_index)),
      stream_(home.core, std::move(s)),
      parser_(limits_of(site_->config)),
      peer_(net::ip_address::of_peer(stream_.native())) {
  client_ip_ = peer_.text();
  trusted_ = site_->trusted.contains(peer_);
  home_.core.watch(*this);
  home_.connections.push_back(this);
  home_.plane.connections_.fetch_add(1, std::memory_order_relaxed);
  home_.plane.connections_of(site_index_).fetch_add(1, std::memory_order_relaxed);
}

connection::~connection() {
  std::erase(home_.connections, this);
  home_.plane.connections_.fetch_sub(1, std::memory_order_relaxed);
  home_.plane.connections_of(site_index_).fetch_sub(1, std::memory_order_relaxed);
}

void connection::start(core_state& home, std::size_t site_index, net::socket s) {
  const auto& site = *home.site(site_index);
  if (home.plane.connections_of(site_index).load() >=
      static_cast<std::int64_t>(site.config.limits.connections)) {
    home.plane.refused_connections.add();
    if (site.tls) return;  // a handshake would cost more than the answer is worth
    std::string text;
    append_problem_response(text, problem::overloaded,
                            "limits.connections of site " + site.config.name + " are open",
                            {.now = now().wall, .extra_fields = "Retry-After: 1\r\n"});
    net::send_refusal(s.native(), text);
    return;
  }
  auto* self = new connection(home, site_index, std::move(s));
  net::spawn([](connection* c) -> net::task<void> {
    const std::unique_ptr<connection> owned(c);
    co_await owned->run();
  }(self));
}

void connection::on_deadline() {
  // A pending read ends as at the end of the stream, so that a 408 can still be written.
  if (reading_ && !expired_) {
    ::shutdown(stream_.native(), SHUT_RD);
    set_deadline(now().mono + last_words_time);
  } else {
    stream_.close();
  }
  expired_ = true;
}

void connection::begin_drain() {
  if (idle_) ::shutdown(stream_.native(), SHUT_RD);
}

net::task<bool> connection::establish() {
  const auto& timeouts = site_->config.timeouts;
  if (site_->config.proxy_protocol && trusted_) {
    const bool ok = co_await read_proxy_header();
    if (!ok) co_return false;
  }
  if (!site_->tls) co_return true;
  auto channel = std::make_unique<net::tls_channel>(site_->tls, "");
  channel->feed(in_.view());  // what came with the PROXY header belongs to the handshake
  in_.consume(in_.size());
  stream_.set_tls(std::move(channel));
  set_deadline(now().mono + timeouts.header);
  auto ec = co_await stream_.handshake();
  clear_deadline();
  co_return !ec;
}

net::task<bool> connection::read_proxy_header() {
  set_deadline(now().mono + site_->config.timeouts.header);
  http1::proxy_header proxy;
  for (;;) {
    const auto status = http1::parse_proxy(in_.view(), proxy);
    if (status == http1::parse_status::error) co_return false;
    if (status == http1::parse_status::complete) break;
    auto r = co_await stream_.read_some(in_.prepare(read_block));
    if (!r.ok() || r.bytes == 0) co_return false;
    in_.commit(r.bytes);
  }
  in_.consume(proxy.size);
  if (const auto told = net::ip_address::parse(proxy.source_address)) {
    peer_ = *told;
    client_ip_ = peer_.text();
    trusted_ = site_->trusted.contains(peer_);
  }
  clear_deadline();
  co_return true;
}

// Before a read: which deadline it has. False: there is nothing more to wait for.
bool connection::begin_read() {
  const auto& timeouts = site_->config.timeouts;
  if (in_.empty()) {
    if (home_.plane.draining()) return false;
    in_.shrink();
    set_deadline(home_.core.now().mono + timeouts.idle);
    idle_ = true;
  } else if (deadline() == mono_time::max() || idle_) {
    set_deadline(home_.core.now().mono + timeouts.header);
    idle_ = false;
  }
  reading_ = true;
  return true;
}

// After it: true if there are more bytes. A head that did not arrive in time gets its 408 queued.
bool connection::end_read(const net::io_result& r) {
  reading_ = false;
  if (!r.ok() || r.bytes == 0) {
    if (expired_ && !idle_)
      append_problem(nullptr, problem::request_timeout,
                     "the request's head did not arrive in time");
    return false;
  }
  in_.commit(r.bytes);
  if (idle_) {
    idle_ = false;
    clear_deadline();  // the head's own time starts with the next read
  }
  return true;
}

// Most answers go out whole at once: then no coroutine is made for the write.
bool connection::flush_now(net::write_state& at) {
  auto& parts = home_.parts;
  out_.parts(parts);
  if (!stream_.send_now(parts, at)) return false;
  out_.clear();
  return true;
}

net::task<bool> connection::flush(net::write_state at) {
  if (out_.empty()) co_return true;
  std::vector<net::part> parts;
  out_.parts(parts);
  const net::closer limit(home_.core, stream_, site_->config.timeouts.idle);
  auto ec = co_await stream_.write(parts, at);
  out_.clear();
  co_return !ec;
}

// Closes without losing what was written: unread input would turn the close into a reset.
net::task<void> connection::linger() {
  if (!stream_.is_open()) co_return;
  stream_.shutdown_send();
  set_deadline(now().mono + linger_time);
  reading_ = false;
  std::size_t seen = 0;
  while (!expired_ && seen < linger_bytes) {
    in_.consume(in_.size());
    auto r = co_await stream_.read_some(in_.prepare(read_block));
    if (!r.ok() || r.bytes == 0) co_return;
    seen += r.bytes;
  }
}

// Behind trusted proxies the client is the last address in X-Forwarded-For that is not one of them.
void connection::name_client(const http1::request_head& head) {
  std::optional<net::ip_address> named;
  head.for_each_element(http1::field::x_forwarded_for, [&](std::string_view element) {
    const auto address = net::ip_address::parse(element);
    // What stands before something unreadable is hearsay.
    if (!address || !named || !site_->trusted.contains(*address)) named = address;
  });
  client_ip_ = named.value_or(peer_).text();
}

void connection::reject_head() {
  const auto e = parser_.error();
  auto type = problem::bad_request;
  switch (http1::status_for(e)) {
    case 414:
      type = problem::uri_too_long;
      break;
    case 431:
      type = problem::head_too_large;
      break;
    case 501:
      type = problem::not_implemented;
      break;
    case 505:
      type = problem::version_not_supported;
      break;
    default:
      break;
  }
  append_problem(nullptr, type, make_error_code(e).message());
}

net::task<void> connection::run() {
  const bool ready = co_await establish();
  if (!ready) co_return;
  bool polite = true;
  for (;;) {
    // A count that all cores share: touched after a reload only.
    if (const auto& current = home_.site(site_index_); site_ != current) site_ = current;
    home_.lend_block(out_);
    const auto wants = process();
    if (!out_.empty()) {
      net::write_state at;
      bool sent = flush_now(at) && !at.error;
      if (!out_.empty()) sent = co_await flush(at);
      if (!sent) co_return;
    }
    home_.take_back(out_);
    if (wants == step_kind::flush) continue;
    if (wants == step_kind::close) break;
    if (wants == step_kind::read) {
      if (!begin_read()) break;
      const auto room = in_.prepare(read_block);
      net::io_result r;
      if (stream_.is_tls())
        r = co_await stream_.read_some(room);
      else
        r = co_await stream_.read_plain(room);
      if (end_read(r)) continue;
      polite = expired_;
      co_await flush({});
      break;
    }
    clear_deadline();
    bool again = false;
    if (wants == step_kind::offload)
      again = co_await offload();
    else
      again = co_await exchange();
    if (!again) break;
    if (home_.plane.draining() && in_.empty()) break;
  }
  if (polite) co_await linger();
  stream_.close();
}

}  // namespace fairing::http
