// upstream: the backends of a site: which one gets a request, and each core's kept-alive connections to it.
//
// Flow (on a core):
//   auto permit = co_await group.gate().acquire(core, deadline);
//   auto* e = group.pick(random, now, tried);
//   auto link = links.take(*e);                     // a kept-alive one that is still quiet, or null
//   if (!link) link = (co_await links.open(*e, deadline)).link
//   ... exchange ...
//   group.report(*e, outcome, now);  links.give(std::move(link));   // or just drop it
// Threads: upstream_group is shared by all cores (atomics, short locks); core_links belongs to one core.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/logic/site_config.hpp"
#include "http/session/buffers.hpp"
#include "net/core.hpp"
#include "net/dialer.hpp"
#include "net/gate.hpp"
#include "net/stream.hpp"
#include "retry/balance.hpp"
#include "retry/breaker.hpp"
#include "retry/health.hpp"
#include "retry/outlier.hpp"
#include "retry/retry_budget.hpp"

namespace fairing::http {

enum class exchange_outcome : std::uint8_t {
  success,  // an answer, other than 502, 503, 504
  failure,  // no connection, broken off, or 502, 503, 504
  timeout,  // no connection or no answer in time
};

class upstream_endpoint {
 public:
  upstream_endpoint(upstream_config c, std::shared_ptr<net::tls_context> tls, std::uint32_t i);
  const upstream_config config;
  const net::dial_target target;
  const std::uint32_t index;
  const std::string host_field;  // for Host when preserve_host is off
  std::atomic<std::uint32_t> in_flight{0};
};

class upstream_group {
 public:
  static result<std::shared_ptr<upstream_group>> make(const site_config& site);
  // Would a group made of one serve the other? All but max_connections, which gate().resize() follows.
  [[nodiscard]] static bool same_backends(const site_config& a, const site_config& b);

  // `avoid`: the index a retry failed on, or retry::no_upstream. Null if the breaker refuses: all that was
  // tried lately timed out.
  struct choice {
    upstream_endpoint* endpoint = nullptr;
    retry::breaker::permit permit;
    milliseconds retry_after{0};  // when refused
  };
  [[nodiscard]] choice pick(std::uint64_t random, instant now, std::size_t avoid);
  void report(const choice& c, exchange_outcome outcome, instant now);
  // Active checks: the endpoint that is due, if any, and how its check ended.
  [[nodiscard]] upstream_endpoint* health_due(mono_time now);
  void report_health(upstream_endpoint& e, bool ok, instant now);

  [[nodiscard]] net::gate& gate() noexcept { return *gate_; }
  [[nodiscard]] retry::retry_budget& budget() noexcept { return budget_; }
  [[nodiscard]] std::vector<std::unique_ptr<upstream_endpoint>>& endpoints() noexcept {
    return endpoints_;
  }
  struct state {
    bool healthy = true;          // as its health checks say
    bool ejected = false;         // for its failures in a row
    milliseconds back_in{0};      // until an ejection or a pause of the breaker ends
    bool paused = false;          // by the breaker, for its timeouts
    std::uint32_t failures = 0;   // of requests, in a row; counted up to outlier.failures
    bool over_the_limit = false;  // failures have reached outlier.failures, and it was not ejected
  };
  [[nodiscard]] state state_of(const upstream_endpoint& e, instant now);
  [[nodiscard]] std::uint64_t ejections() const noexcept { return ejections_.load(); }
  // Kept-alive connections that are not in use, over all cores.
  std::atomic<std::int64_t> idle_links{0};

 private:
  explicit upstream_group(const site_config& site);
  std::vector<std::unique_ptr<upstream_endpoint>> endpoints_;
  std::shared_ptr<net::gate> gate_;
  retry::retry_budget budget_;
  std::mutex mutex_;  // of the machines below
  retry::outlier_detector outlier_;
  std::vector<retry::health_fsm> health_;
  std::vector<retry::breaker>
      breakers_;  // count timeouts only: a refused connection costs nothing to try
  retry::balancer balancer_;
  std::vector<retry::upstream_view> views_;
  const health_config health_config_;
  const std::string name_;
  std::atomic<std::uint64_t> ejections_{0};
};

// One connection to a backend, used by one exchange at a time.
class upstream_link final : public net::timed {
 public:
  upstream_link(net::core& c, std::unique_ptr<net::stream> s) : stream(std::move(s)) {
    c.watch(*this);
  }
  std::unique_ptr<net::stream> stream;
  in_buffer in;
  std::uint32_t uses = 0;
  bool expired = false;    // its deadline passed: the socket was closed
  mono_time idle_until{};  // as the backend's Keep-Alive field allows
  void on_deadline() override {
    expired = true;
    stream->close();
  }
};

// Shared because an upload may still be leaving a connection that its exchange has given up.
using link_ptr = std::shared_ptr<upstream_link>;

struct open_result {
  link_ptr link;
  net::dial_fault fault = net::dial_fault::none;
  std::string detail;
};

class core_links {
 public:
  core_links(net::core& c, std::shared_ptr<upstream_group> group, std::uint32_t idle_limit);
  ~core_links() { group_->idle_links.fetch_sub(counted_, std::memory_order_relaxed); }
  core_links(const core_links&) = delete;
  core_links& operator=(const core_links&) = delete;
  [[nodiscard]] link_ptr take(upstream_endpoint& e, mono_time now);
  net::task<open_result> open(upstream_endpoint& e, mono_time deadline);
  void give(upstream_endpoint& e, link_ptr link, mono_time now);
  void expire(mono_time now);  // closes idle links whose time has come
  [[nodiscard]] upstream_group& group() noexcept { return *group_; }

 private:
  struct per_endpoint {
    net::resolver_cache names;
    std::vector<link_ptr> idle;  // the newest last
  };
  net::core& core_;
  std::shared_ptr<upstream_group> group_;
  std::vector<per_endpoint> endpoints_;
  std::uint32_t idle_limit_;
  std::int64_t counted_ = 0;  // our part of group_->idle_links
  void count() noexcept;
};

}  // namespace fairing::http
