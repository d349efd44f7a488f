// trace_context: the trace a request belongs to (W3C Trace Context, traceparent version 00).
//
// Flow: auto t = continue_trace(request.get(field::traceparent), random)    // passed on, or begun
//       append_traceparent(upstream_head, t); log t.trace()
// Cost: no allocation. Randomness is passed in. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairing::http {

struct trace_context {
  std::array<char, 32> trace_id{};   // lower-case hex
  std::array<char, 16> parent_id{};  // of the hop that sends it
  std::uint8_t flags = 0;            // bit 0: sampled
  bool continued = false;            // the client's trace, not one begun here
  [[nodiscard]] std::string_view trace() const noexcept {
    return {trace_id.data(), trace_id.size()};
  }
  [[nodiscard]] std::string_view parent() const noexcept {
    return {parent_id.data(), parent_id.size()};
  }
};

struct trace_random {
  std::uint64_t trace_high = 0;
  std::uint64_t trace_low = 0;
  std::uint64_t parent = 0;
};

// nullopt for anything malformed: upper case, all-zero ids, version ff, wrong lengths. A later
// version is read by its first four fields.
[[nodiscard]] std::optional<trace_context> parse_traceparent(std::string_view value) noexcept;
// The client's trace with a new parent id, else a new one (sampled).
[[nodiscard]] trace_context continue_trace(std::string_view traceparent,
                                           trace_random random) noexcept;
// "traceparent: 00-...-...-01\r\n"
void append_traceparent(std::string& out, const trace_context& t);

}  // namespace fairing::http
