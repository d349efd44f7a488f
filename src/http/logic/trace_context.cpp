#include "http/logic/trace_context.hpp"

#include <algorithm>
#include <span>

namespace fairing::http {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

void write_hex(std::span<char> out, std::uint64_t value) noexcept {
  for (auto i = out.size(); i-- > 0; value >>= 4) out[i] = hex_digits[value & 15];
}

std::uint8_t hex_value(char c) noexcept {
  return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
}

}  // namespace

std::optional<trace_context> parse_traceparent(std::string_view v) noexcept {
  constexpr std::size_t size = 55;  // 2-32-16-2
  if (v.size() < size || v[2] != '-' || v[35] != '-' || v[52] != '-') return std::nullopt;
  const auto version = v.substr(0, 2);
  const auto trace = v.substr(3, 32);
  const auto parent = v.substr(36, 16);
  const auto flags = v.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return std::nullopt;
  if (v.size() > size && (version == "00" || v[size] != '-')) return std::nullopt;
  trace_context t;
  std::ranges::copy(trace, t.trace_id.begin());
  std::ranges::copy(parent, t.parent_id.begin());
  t.flags = static_cast<std::uint8_t>(hex_value(flags[0]) * 16 + hex_value(flags[1]));
  t.continued = true;
  return t;
}

trace_context continue_trace(std::string_view traceparent, trace_random random) noexcept {
  auto t = parse_traceparent(traceparent).value_or(trace_context{});
  if (!t.continued) {
    write_hex(std::span{t.trace_id}.first(16), random.trace_high);
    write_hex(std::span{t.trace_id}.last(16), random.trace_low | 1);  // never all zero
    t.flags = 1;
  }
  write_hex(t.parent_id, random.parent | 1);
  return t;
}

void append_traceparent(std::string& out, const trace_context& t) {
  out.append("traceparent: 00-").append(t.trace()).append("-").append(t.parent()).append("-");
  out.push_back(hex_digits[t.flags >> 4]);
  out.push_back(hex_digits[t.flags & 15]);
  out.append("\r\n");
}

}  // namespace fairing::http
