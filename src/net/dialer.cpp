#include "net/dialer.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "base/ascii.hpp"
#include "net/tls.hpp"

namespace fairing::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr seconds resolve_ttl{30};

// Closes a socket when its deadline comes, while it is in scope.
struct guard final : timed {
  socket* target = nullptr;
  bool expired = false;
  void on_deadline() override {
    expired = true;
    error_code ignored;
    target->close(ignored);
  }
};

bool out_of_resources(const error_code& ec) {
  return ec == asio::error::no_descriptors ||
         ec == boost::system::errc::too_many_files_open_in_system || ec == asio::error::no_memory ||
         ec == asio::error::no_buffer_space || ec == boost::system::errc::address_not_available;
}
}  // namespace

std::string_view to_string(dial_fault f) noexcept {
  switch (f) {
    case dial_fault::none:
      return "none";
    case dial_fault::resolve:
      return "resolve";
    case dial_fault::refused:
      return "refused";
    case dial_fault::timeout:
      return "timeout";
    case dial_fault::resources:
      return "resources";
    case dial_fault::tls:
      return "tls";
  }
  return "none";
}

task<error_code> resolver_cache::resolve(core& c, const dial_target& target, mono_time now) {
  if (now < valid_until_ && !addresses_.empty()) co_return error_code{};
  if (!target.unix_path.empty()) {
    addresses_ = {endpoint(asio::local::stream_protocol::endpoint(target.unix_path))};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  error_code ec;
  if (const auto literal = asio::ip::make_address(target.host, ec); !ec) {
    addresses_ = {endpoint(tcp::endpoint(literal, target.port))};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  // This name needs nobody's answer (RFC 6761 §6.3), not even a hosts file's.
  if (iequals(target.host, "localhost")) {
    addresses_ = {endpoint(tcp::endpoint(asio::ip::address_v4::loopback(), target.port)),
                  endpoint(tcp::endpoint(asio::ip::address_v6::loopback(), target.port))};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  // Meanwhile others use what is known: one look-up at a time, and a slow name server delays one request.
  if (!addresses_.empty()) valid_until_ = now + resolve_ttl;
  tcp::resolver resolver(c.context());
  tcp::resolver::results_type found;
  auto looked_up = co_await start_operation([&](auto handler) {
    resolver.async_resolve(target.host, std::to_string(target.port),
                           [&found, h = std::move(handler)](const error_code& e,
                                                            tcp::resolver::results_type r) mutable {
                             found = std::move(r);
                             h(e);
                           });
  });
  // An old answer is better than none: the name server may be down while the backend is not.
  if (!looked_up.ok()) co_return addresses_.empty() ? looked_up.error : error_code{};
  addresses_.clear();
  for (const auto& entry : found) addresses_.emplace_back(entry.endpoint());
  valid_until_ = now + resolve_ttl;
  co_return addresses_.empty() ? error_code{asio::error::host_not_found} : error_code{};
}

endpoint resolver_cache::next() { return addresses_[turn_++ % addresses_.size()]; }

namespace {
std::string describe(const dial_target& t) {
  return t.unix_path.empty() ? t.host + ":" + std::to_string(t.port) : "unix:" + t.unix_path;
}

task<dial_result> start_tls(core& c, const dial_target& target, std::unique_ptr<stream> s,
                            mono_time deadline) {
  s->set_tls(std::make_unique<tls_channel>(target.tls, target.host));
  guard g;
  g.target = &s->raw();
  g.set_deadline(deadline);
  c.watch(g);
  auto ec = co_await s->handshake();
  if (!ec) co_return dial_result{dial_fault::none, {}, std::move(s)};
  if (g.expired)
    co_return dial_result{dial_fault::timeout,
                          "TLS handshake with " + describe(target) + " timed out", nullptr};
  co_return dial_result{dial_fault::tls,
                        "TLS with " + describe(target) + " failed: " + s->tls_error(ec), nullptr};
}
}  // namespace

task<dial_result> dial(core& c, const dial_target& target, resolver_cache& names,
                       mono_time deadline) {
  auto resolved = co_await names.resolve(c, target, now().mono);
  if (resolved)
    co_return dial_result{dial_fault::resolve,
                          "cannot find " + target.host + ": " + resolved.message(), nullptr};
  error_code last;
  for (std::size_t tries = 0; tries < names.size(); ++tries) {
    const auto address = names.next();
    socket s(c.context().get_executor());
    s.open(address.protocol(), last);
    if (last) break;
    if (address.protocol().family() != AF_UNIX) s.set_option(tcp::no_delay(true), last);
    guard g;
    g.target = &s;
    g.set_deadline(deadline);
    c.watch(g);
    auto connected = co_await start_operation(
        [&](auto handler) { s.async_connect(address, std::move(handler)); });
    if (connected.ok()) {
      auto connection = std::make_unique<stream>(std::move(s));
      if (!target.tls) co_return dial_result{dial_fault::none, {}, std::move(connection)};
      auto secured = co_await start_tls(c, target, std::move(connection), deadline);
      co_return secured;
    }
    last = connected.error;
    if (g.expired)
      co_return dial_result{dial_fault::timeout, "connecting to " + describe(target) + " timed out",
                            nullptr};
  }
  const auto fault = out_of_resources(last) ? dial_fault::resources : dial_fault::refused;
  co_return dial_result{fault, "cannot connect to " + describe(target) + ": " + last.message(),
                        nullptr};
}

}  // namespace fairing::net
