// push_verdict: what the answer to a push means for its job, and for how many pushes the target gets at a time.
//
// Problem: a worker says with a status what it would otherwise say over the API; what stands for "done", "again" and
// "never" must be one table that people can read.
//
//   2xx                              done; the body is the result
//   202                              the worker has it, and acks or fails over the API with the lease that it got
//   408 409 425 429, 3xx, 5xx        again, by the ladder, and not before Retry-After
//   other 4xx (410, 422 ...)         dead: another attempt would be answered alike
//   no answer                        again, by the ladder
// Flow:  const auto end = judge(answer, wall_ms);  switch (end.what) ...
// Pure; any thread. Source: Standard Webhooks 1.0.0 ("Deliverability"), RFC 9110 §10.2.3 (Retry-After).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace fairing::jobs {

enum class push_fault : std::uint8_t {
  none,     // there is an answer
  absent,   // nobody listens, no such name, TLS failed: the job did not reach the target
  timeout,  // no whole answer in the attempt's time
  broken,   // the connection ended, or what came is no HTTP
  stopped,  // this process ends
};

struct push_answer {
  push_fault fault = push_fault::none;
  std::string detail;  // of a fault
  std::uint16_t status = 0;
  std::string retry_after;
  std::string content_type;
  std::string body;
  bool cut =
      false;  // the body was longer than what is kept; it is then empty where the push succeeded
};

enum class push_end : std::uint8_t {
  done,   // ack, with the body as result
  later,  // the worker settles it by its lease
  retry,  // failed; the ladder says when
  dead,   // failed for good
};

// For push_pace: how the target bears what it gets.
enum class push_strain : std::uint8_t {
  fine,      // it took the job
  neutral,   // it answered, and the answer says nothing about load
  strained,  // it said "slow down", or nothing in time
  absent,    // it is not there
};

struct push_judgement {
  push_end what = push_end::retry;
  push_strain strain = push_strain::neutral;
  std::optional<milliseconds> not_before;  // of a retry, from now; at most 24 h
  std::string error;                       // of retry and dead: for the job's history, one line
};

[[nodiscard]] push_judgement judge(const push_answer& a, std::int64_t wall_ms);

// Seconds or an HTTP date, from now on; nullopt: neither. Clamped to 0 .. 24 h.
[[nodiscard]] std::optional<milliseconds> read_retry_after(std::string_view text,
                                                           std::int64_t wall_ms) noexcept;

[[nodiscard]] std::string_view to_string(push_end e) noexcept;

}  // namespace fairing::jobs
