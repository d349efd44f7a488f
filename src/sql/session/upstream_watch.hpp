// upstream_watch: whether PostgreSQL lets Fairing in, as far as is known.
//
// Problem: while nobody is connected, a PostgreSQL that cannot be reached or a wrong password would first be seen by the
// first client.
// How: pools tell what they met. Where they met nothing in the first second, or the last was a failure, it is tried on a
// connection of its own: as sql.upstream's user where its password is known, else as far as that it answers; again each
// ten seconds until it works.
// Flow:  pools: watch.opened(user); watch.failed(user, error);   core 0, each tick: watch.look(part);   anyone: watch.now()
// Threads: any, but look(): core 0. Cost: of opened() and look() while all is well, an atomic read.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/task.hpp"
#include "sql/session/server_error.hpp"

namespace fairing::sql {

class core_part;

class upstream_watch {
 public:
  struct view {
    bool tried = false;
    server_error fault;  // known(): it is down
  };

  // `own`: by sql.upstream's own user.
  void opened(bool own);
  void failed(bool own, const server_error& e);
  // The upstream is another one: nothing is known.
  void forget();
  void look(core_part& part);
  [[nodiscard]] view now() const;

 private:
  enum class health : std::uint8_t { unknown, up, down };
  net::task<void> ask(core_part& part);
  void tell(health h, bool log_in, const server_error& e);

  static constexpr milliseconds first_after{1000};
  static constexpr milliseconds again_after{10'000};
  std::atomic<health> health_{health::unknown};
  std::atomic<mono_time> next_{fairing::now().mono + first_after};
  bool asking_ = false;  // core 0's
  mutable std::mutex mutex_;
  server_error fault_;
  bool log_in_fails_ = false;  // others may come in all the same
};

}  // namespace fairing::sql
