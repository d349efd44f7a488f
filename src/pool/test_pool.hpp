// test_pool: a server_pool with recorded events, for the tests of this folder only.
//
// Problem: tests want to read the exact sequence of actions: "open 1", "close 1 idle_timeout".
// Flow:  test_pool p(options, budget); p.pool.acquire(*p.clients[0], now); EXPECT(p.log, ...);
// Servers are numbered from 1 in the order of their opening; they stay allocated till the end.
// Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pool/server_pool.hpp"

namespace fairing::pool {

struct test_server : server {
  std::uint32_t number = 0;
};
struct test_client : waiter {
  std::uint32_t number = 0;
};

class test_pool final : public pool_events, public budget_waker {
 public:
  test_pool(pool_options o, pool_budget& budget) : pool(o, budget, budget.join(*this), *this) {}
  ~test_pool() { close_at_once = true; }
  test_pool(const test_pool&) = delete;
  test_pool& operator=(const test_pool&) = delete;

  server* open() noexcept override {
    if (cannot_open) return nullptr;
    auto& s = *servers.emplace_back(std::make_unique<test_server>());
    s.number = static_cast<std::uint32_t>(servers.size());
    log.push_back("open " + std::to_string(s.number));
    connecting.push_back(&s);
    return &s;
  }
  void close(server& s, close_reason why, microseconds) noexcept override {
    log.push_back("close " + std::to_string(number(s)) + " " + std::string(name(why)));
    if (close_at_once)
      pool.closed(s, now);
    else
      closings.push_back(&static_cast<test_server&>(s));
  }
  void give_up(waiter& w, refusal why, microseconds) noexcept override {
    log.push_back("give up " + std::to_string(static_cast<test_client&>(w).number) + " " +
                  std::string(name(why)));
    gone.push_back(&static_cast<test_client&>(w));
  }
  void wake() noexcept override { woken = true; }

  // What happened since the last call.
  std::vector<std::string> happened() { return std::exchange(log, {}); }
  static std::uint32_t number(const server& s) { return static_cast<const test_server&>(s).number; }
  test_client& client() {
    auto& c = *clients.emplace_back(std::make_unique<test_client>());
    c.number = static_cast<std::uint32_t>(clients.size());
    return c;
  }
  test_server& at(std::uint32_t n) { return *servers[n - 1]; }
  // The oldest login that is under way succeeds; the client that has the server now, or 0.
  std::uint32_t login() {
    auto* s = connecting.front();
    connecting.erase(connecting.begin());
    return who(pool.opened(*s, now, 0));
  }
  void login_fails() {
    auto* s = connecting.front();
    connecting.erase(connecting.begin());
    pool.open_failed(*s, now, 0);
  }
  std::uint32_t release(std::uint32_t n) { return who(pool.release(at(n), now)); }
  static std::uint32_t who(const released& r) {
    return r.to == nullptr ? 0 : static_cast<test_client&>(*r.to).number;
  }
  void tick() {
    woken = false;
    pool.tick(now);
  }

  micro_time now = at_us(1'000'000'000);
  bool close_at_once = true;
  bool cannot_open = false;
  bool woken = false;
  std::vector<std::string> log;
  std::vector<std::unique_ptr<test_server>> servers;
  std::vector<std::unique_ptr<test_client>> clients;
  std::vector<test_server*> connecting;
  std::vector<test_server*> closings;
  std::vector<test_client*> gone;
  server_pool pool;
};

}  // namespace fairing::pool
