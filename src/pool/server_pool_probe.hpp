// server_pool_probe: the metrics of one server_pool, beside its logic.
//
// Problem: a gauge of waiting clients misses every wait between two scrapes; waits, leases, use and
// ages are histograms, and every closing, pin and refusal is counted under its reason.
//
// Flow:  server_pool_probe probe(registry, {{"user", u}, {"database", d}});
//   acquired.granted: probe.waited(0us)   released.to: probe.waited(r.waited)
//   release, discard: probe.held(r.held), probe.used(time PostgreSQL worked within the lease)
//   events.close: probe.closed(why, age)  events.give_up: probe.refused(why, waited)
//   try_pin true: probe.pinned(why), and false: probe.pin_refused()
//   each tick: probe.sizes(pool.idle(), pool.leased(), pool.waiting(), pool.size());
// held less used is what the application thinks inside its transactions.
// Lifecycle: registered for good; the same labels again continue the same metrics.
// Threads: the pool's home core. Cost: one or two histogram samples a lease, no lock.
#pragma once

#include <array>
#include <cstdint>

#include "metrics/registry.hpp"
#include "pool/pool_types.hpp"

namespace fairing::pool {

class server_pool_probe {
 public:
  server_pool_probe(metrics::registry& r, const metrics::labels& of);
  ~server_pool_probe();
  server_pool_probe(const server_pool_probe&) = delete;
  server_pool_probe& operator=(const server_pool_probe&) = delete;

  void waited(microseconds w) const noexcept { wait_.observe_us(w.count()); }
  void held(microseconds h) const noexcept { hold_.observe_us(h.count()); }
  void used(microseconds u) const noexcept { use_.observe_us(u.count()); }
  void closed(close_reason why, microseconds age) const noexcept {
    age_.observe_us(age.count());
    closed_[static_cast<std::size_t>(why)].add();
  }
  void refused(refusal why, microseconds waited) const noexcept {
    if (waited.count() > 0) wait_.observe_us(waited.count());
    refused_[static_cast<std::size_t>(why)].add();
  }
  void pinned(pin_reason why) const noexcept { pins_[static_cast<std::size_t>(why)].add(); }
  void pin_refused() const noexcept { pins_refused_.add(); }
  void open_failed() const noexcept { open_failed_.add(); }
  struct levels {
    std::uint32_t idle = 0, leased = 0, waiting = 0, size = 0, concurrency = 0, gathers = 0;
  };
  void sizes(const levels& l) noexcept;

 private:
  struct level {
    metrics::gauge shown;
    std::int64_t last = 0;
    void set(std::int64_t now) noexcept;
  };
  metrics::histogram wait_;
  metrics::histogram hold_;
  metrics::histogram use_;
  metrics::histogram age_;
  metrics::counter pins_refused_;
  metrics::counter open_failed_;
  std::array<metrics::counter, close_reasons> closed_;
  std::array<metrics::counter, refusals> refused_;
  std::array<metrics::counter, pin_reasons> pins_;
  level idle_;
  level leased_;
  level waiting_;
  level size_;
  level concurrency_;
  level gathers_;
};

}  // namespace fairing::pool
