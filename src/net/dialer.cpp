#include "net/dialer.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/ascii.hpp"
#include "net/alarm.hpp"
#include "net/event.hpp"
#include "net/liveness.hpp"
#include "net/tls.hpp"

namespace fairing::net {

using std::error_code;

namespace {
constexpr seconds resolve_ttl{30};

// Closes a stream when its deadline comes, while it is in scope.
struct guard final : timed {
  guard(core& c, stream& s, mono_time deadline) : target(s) {
    set_deadline(deadline);
    c.watch(*this);
  }
  void on_deadline() override {
    expired = true;
    target.close();
  }
  stream& target;
  bool expired = false;
};

bool out_of_resources(const error_code& ec) {
  return ec == std::errc::too_many_files_open || ec == std::errc::too_many_files_open_in_system ||
         ec == std::errc::not_enough_memory || ec == std::errc::no_buffer_space ||
         ec == std::errc::address_not_available;
}

struct looked_up {
  error_code error;
  std::vector<endpoint> found;
};

error_code meaning_of(int fault) {
  switch (fault) {
    case 0:
      return {};
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return errc::unknown_host;
    case EAI_AGAIN:
      return errc::no_name_server;
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    case EAI_SYSTEM:
      return last_error();
    default:
      return errc::look_up_failed;
  }
}

// Blocks for as long as the name servers take.
looked_up look_up_now(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_protocol = IPPROTO_TCP;
  addrinfo* first = nullptr;
  looked_up out{meaning_of(::getaddrinfo(host.c_str(), port.c_str(), &wanted, &first)), {}};
  if (out.error) return out;
  for (const auto* a = first; a; a = a->ai_next)
    if (const auto at = endpoint::from(a->ai_addr, a->ai_addrlen)) out.found.push_back(*at);
  ::freeaddrinfo(first);
  if (out.found.empty()) out.error = errc::unknown_host;
  return out;
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

// Owned by the job as well: it may end after everybody who waited for it.
struct resolver_cache::look_up {
  bool ended = false;
  mono_time ended_at{};
  error_code error;
  std::vector<endpoint> found;
  std::vector<event*> waiting;

  void end(looked_up outcome) {
    error = outcome.error;
    found = std::move(outcome.found);
    ended = true;
    ended_at = fairing::now().mono;
    for (auto* w : waiting) w->set();
  }
};

void resolver_cache::start(core& c, const dial_target& target) {
  running_ = std::make_shared<look_up>();
  const bool taken = c.look_ups().submit(
      [&c, l = running_, host = target.host, port = std::to_string(target.port)]() mutable {
        c.post([l = std::move(l), outcome = look_up_now(host, port)]() mutable {
          l->end(std::move(outcome));
        });
      });
  if (!taken) running_->end({errc::look_ups_queued, {}});
}

// Takes in what the look-up found. An old answer is better than none: the name server may be down while the backend
// is not.
void resolver_cache::adopt() {
  const auto l = std::move(running_);
  if (l->error) return;
  addresses_ = l->found;
  valid_until_ = l->ended_at + resolve_ttl;
}

task<error_code> resolver_cache::resolve(core& c, const dial_target& target, mono_time now,
                                         mono_time deadline) {
  if (running_ && running_->ended) adopt();
  if (now < valid_until_ && !addresses_.empty()) co_return error_code{};
  if (!target.unix_path.empty()) {
    addresses_ = {endpoint::unix_socket(target.unix_path)};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  if (const auto literal = endpoint::parse(target.host, target.port)) {
    addresses_ = {*literal};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  // This name needs nobody's answer (RFC 6761 §6.3), not even a hosts file's.
  if (iequals(target.host, "localhost")) {
    addresses_ = {endpoint::loopback_v4(target.port), endpoint::loopback_v6(target.port)};
    valid_until_ = mono_time::max();
    co_return error_code{};
  }
  // Meanwhile others use what is known: one look-up at a time, and a slow name server delays one request.
  if (!addresses_.empty()) valid_until_ = now + resolve_ttl;
  if (!running_) start(c, target);
  const auto mine = running_;
  event ready(c);
  mine->waiting.push_back(&ready);
  const alarm patience(c, ready.make_waker(),
                       addresses_.empty() ? deadline : now + (deadline - now) / 2);
  while (!mine->ended && !patience.rang()) co_await ready.wait();
  std::erase(mine->waiting, &ready);
  if (mine->ended && running_ == mine) adopt();
  if (!addresses_.empty()) co_return error_code{};
  co_return mine->ended ? mine->error : error_code{errc::look_up_late};
}

endpoint resolver_cache::next() { return addresses_[turn_++ % addresses_.size()]; }

namespace {
std::string describe(const dial_target& t) {
  return t.unix_path.empty() ? t.host + ":" + std::to_string(t.port) : "unix:" + t.unix_path;
}

task<dial_result> start_tls(core& c, const dial_target& target, std::unique_ptr<stream> s,
                            mono_time deadline) {
  s->set_tls(std::make_unique<tls_channel>(target.tls, target.host));
  const guard g(c, *s, deadline);
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
  auto resolved = co_await names.resolve(c, target, now().mono, deadline);
  if (resolved == errc::look_up_late)
    co_return dial_result{
        dial_fault::timeout,
        "looking up " + target.host + " timed out: timeouts.connect counts from there", nullptr};
  if (resolved)
    co_return dial_result{dial_fault::resolve,
                          "cannot find " + target.host + ": " + resolved.message(), nullptr};
  error_code last;
  for (std::size_t tries = 0; tries < names.size(); ++tries) {
    const auto address = names.next();
    socket s(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    last = s.is_open() ? error_code{} : last_error();
    if (last) break;
    const int one = 1;
    if (address.family() != AF_UNIX) {
      ::setsockopt(s.native(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      keep_alive(s.native(), dialled_peers);
    }
    if (::connect(s.native(), address.data(), address.size()) != 0) {
      last = last_error();
      if (last != std::errc::operation_in_progress) continue;
    }
    auto connection = std::make_unique<stream>(c, std::move(s));
    if (last) {
      const guard g(c, *connection, deadline);
      last = co_await connection->established();
      if (g.expired)
        co_return dial_result{dial_fault::timeout,
                              "connecting to " + describe(target) + " timed out", nullptr};
      if (last) continue;
    }
    if (!target.tls) co_return dial_result{dial_fault::none, {}, std::move(connection)};
    auto secured = co_await start_tls(c, target, std::move(connection), deadline);
    co_return secured;
  }
  const auto fault = out_of_resources(last) ? dial_fault::resources : dial_fault::refused;
  co_return dial_result{fault, "cannot connect to " + describe(target) + ": " + last.message(),
                        nullptr};
}

}  // namespace fairing::net
