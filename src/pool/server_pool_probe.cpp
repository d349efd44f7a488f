#include "pool/server_pool_probe.hpp"

#include <string>

namespace fairing::pool {
namespace {

// Waits, leases and use: from 100 us, about three steps a decade, to half a minute.
constexpr std::array<double, 16> short_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                              0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                              1.0,    2.5,     10.0,   30.0};
// Ages of servers: a second to a day.
constexpr std::array<double, 9> age_bounds{1, 10, 60, 300, 900, 1800, 3600, 14'400, 86'400};

metrics::labels with(const metrics::labels& of, std::string_view reason) {
  auto l = of;
  l.emplace_back("reason", std::string(reason));
  return l;
}

}  // namespace

server_pool_probe::server_pool_probe(metrics::registry& r, const metrics::labels& of)
    : wait_(r.add_histogram("fairing_pool_wait_seconds",
                            "How long clients waited for a server, 0 included", of, short_bounds)),
      hold_(r.add_histogram("fairing_pool_hold_seconds",
                            "How long a client had its server: the length of a lease", of,
                            short_bounds)),
      use_(r.add_histogram("fairing_pool_use_seconds", "How long PostgreSQL worked within a lease",
                           of, short_bounds)),
      age_(r.add_histogram("fairing_pool_connection_age_seconds",
                           "How old servers were when they were closed", of, age_bounds)),
      pins_refused_(r.add_counter("fairing_pool_pins_refused_total",
                                  "Pins refused because max_pinned servers were pinned", of)),
      open_failed_(
          r.add_counter("fairing_pool_open_failed_total", "Servers that could not be opened", of)) {
  for (std::size_t i = 0; i < close_reasons; ++i)
    closed_[i] = r.add_counter("fairing_pool_closed_total", "Servers closed, by reason",
                               with(of, name(static_cast<close_reason>(i))));
  for (std::size_t i = 1; i < refusals; ++i)  // 0 is none
    refused_[i] =
        r.add_counter("fairing_pool_refused_total", "Clients that got no server, by reason",
                      with(of, name(static_cast<refusal>(i))));
  for (std::size_t i = 0; i < pin_reasons; ++i)
    pins_[i] =
        r.add_counter("fairing_pool_pins_total", "Servers kept beyond a transaction, by reason",
                      with(of, name(static_cast<pin_reason>(i))));
  idle_.shown = r.add_gauge("fairing_pool_idle", "Servers ready and unused", of);
  leased_.shown = r.add_gauge("fairing_pool_leased", "Servers that clients have", of);
  waiting_.shown = r.add_gauge("fairing_pool_waiting", "Clients that wait for a server", of);
  size_.shown = r.add_gauge("fairing_pool_size", "Servers, those opening and closing included", of);
  concurrency_.shown = r.add_gauge("fairing_pool_concurrency",
                                   "Transactions that may run at once, as configured or found", of);
  gathers_.shown =
      r.add_gauge("fairing_pool_gathers", "Pools that gather answers while clients wait", of);
}

server_pool_probe::~server_pool_probe() { sizes({}); }

void server_pool_probe::level::set(std::int64_t now) noexcept {
  if (now == last) return;
  shown.add(now - last);
  last = now;
}

void server_pool_probe::sizes(const levels& l) noexcept {
  idle_.set(l.idle);
  leased_.set(l.leased);
  waiting_.set(l.waiting);
  size_.set(l.size);
  concurrency_.set(l.concurrency);
  gathers_.set(l.gathers);
}

}  // namespace fairing::pool
