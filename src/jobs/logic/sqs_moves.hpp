// sqs_moves: message move tasks: dead letters back to their queues, at a pace, to be watched and called off.
//
// Problem: StartMessageMoveTask moves what may be a million messages; that must neither be one long command nor run
// away from whoever wants to stop it. So a task is a row here, and moves a share of its messages at a time.
//
// Flow, on one thread:
//   auto handle = moves.start(...);                       // sqs_rules calls it
//   for (auto& s : moves.tick(now)) submit(s.what), then moves.on_reply(s.task, reply);
//   sleep until moves.next_wake_steady_ms().
// Lifecycle: as the process; a task is not remembered over a restart (no message is lost by that: start it again).
// Bounds: 100 tasks that run, 1,000 that are over; 1,000 messages a step.
// Threads: one, the same for all calls.
// Source: AWS SQS API reference, StartMessageMoveTask.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "jobs/logic/engine.hpp"

namespace fairing::jobs {

enum class move_state : std::uint8_t {
  running,    // messages are moved
  cancelled,  // called off; what was moved stays moved
  completed,  // nothing more was there
  failed,     // the store said no
};
[[nodiscard]] std::string_view to_string(move_state s) noexcept;  // as AWS: RUNNING ...

class sqs_moves {
 public:
  static constexpr std::size_t most_running = 100;
  static constexpr std::size_t most_kept = 1'000;
  static constexpr std::uint64_t most_a_step = 1'000;
  static constexpr std::int64_t step_ms = 100;

  struct task {
    std::uint64_t number = 0;
    std::string handle;
    std::string source;
    std::string destination;               // empty: back to where the messages came from
    std::optional<std::int32_t> a_second;  // as asked for; nullopt: 500
    move_state state = move_state::running;
    std::uint64_t moved = 0;
    std::uint64_t to_move = 0;  // when it began
    std::string failure;
    std::int64_t started_ms = 0;  // wall
    std::int64_t next_ms = 0;     // steady; when the next share is due
    bool waiting = false;         // for a reply
  };
  struct step {
    std::uint64_t task = 0;
    command what;
  };

  // Errors: unsupported_operation (one runs already for that source), over_limit.
  [[nodiscard]] result<std::string> start(std::string source, std::string destination,
                                          std::optional<std::int32_t> a_second,
                                          std::uint64_t to_move, plane_time now);
  // How many were moved. Errors: resource_not_found (none of that handle runs).
  [[nodiscard]] result<std::uint64_t> cancel(std::string_view handle);
  // The newest first.
  [[nodiscard]] std::vector<task> list(std::string_view source, std::size_t most) const;

  [[nodiscard]] std::vector<step> tick(plane_time now);
  void on_reply(std::uint64_t task, const result<reply>& r);
  [[nodiscard]] std::optional<std::int64_t> next_wake_steady_ms() const noexcept;

 private:
  std::deque<task> tasks_;  // oldest first
  std::uint64_t next_number_ = 1;
};

}  // namespace fairing::jobs
