// forms: what clients of the jobs API send, as commands: JSON bodies and CloudEvents in, plain values out.
//
// Problem: a payload must be kept exactly as it was sent, and a wrong member must be named, not ignored.
//
// Flow:  auto what = read_enqueue(queue, {content_type, ce fields ...}, body);  if (!what) refuse(what.error());
// Durations are whole seconds (30) or words ("30s", "5m"); times are RFC 3339.
// Errors: errc::bad_request with the member's name; errc::unsupported for a media type.
// Pure; any thread. Cost: two passes over the body and a copy of the payload.
// Source: CloudEvents 1.0.2, HTTP protocol binding (structured, batched and binary mode).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/http1/head.hpp"
#include "jobs/logic/engine.hpp"

namespace fairing::jobs {

struct enqueue_form {
  enqueue what;
  bool single = true;  // one job: the answer is an object, not a list
};
// Takes the Idempotency-Key, traceparent and CloudEvents fields of the head as well.
[[nodiscard]] result<enqueue_form> read_enqueue(std::string_view queue,
                                                const codec::http1::request_head& head,
                                                std::string_view body);

struct lease_form {
  std::size_t most = 1;
  milliseconds wait{0};  // at most longest_wait
  std::optional<milliseconds> length;
};
inline constexpr milliseconds longest_wait{60'000};
[[nodiscard]] result<lease_form> read_lease(std::string_view body);
[[nodiscard]] result<ack> read_ack(const lease_token& t, const codec::http1::request_head& head,
                                   std::string_view body);
[[nodiscard]] result<fail_job> read_fail(const lease_token& t, std::string_view body);
[[nodiscard]] result<extend> read_extend(const lease_token& t, std::string_view body);
[[nodiscard]] result<progress> read_progress(const lease_token& t, std::string_view body);
[[nodiscard]] result<redrive> read_redrive(std::string_view queue, std::string_view body);

// "30", "30s", "1m30s".
[[nodiscard]] std::optional<milliseconds> read_duration(std::string_view text) noexcept;

}  // namespace fairing::jobs
