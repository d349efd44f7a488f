#include "limit/headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace fairing::limit {

namespace {

constexpr std::uint64_t max_sf_integer = 999'999'999'999'999;  // RFC 9651 §3.3.1

// An sf-string; what it cannot hold becomes '_'.
void append_sf_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += (c >= ' ' && c <= '~') ? c : '_';
  }
  out += '"';
}

void append_parameter(std::string& out, char key, std::uint64_t value) {
  fmt::format_to(std::back_inserter(out), ";{}={}", key, std::min(value, max_sf_integer));
}

std::uint64_t ceil_seconds(milliseconds ms) noexcept {
  return ms.count() <= 0 ? 0 : static_cast<std::uint64_t>(ms.count() - 1) / 1000 + 1;
}

}  // namespace

void append_policy(std::string& out, std::string_view name, rate r) {
  append_sf_string(out, name);
  append_parameter(out, 'q', r.count);
  if (r.period.count() > 0 && r.period.count() % 1000 == 0)
    append_parameter(out, 'w', static_cast<std::uint64_t>(r.period.count() / 1000));
}

void append_state(std::string& out, std::string_view name, const decision& d) {
  append_sf_string(out, name);
  append_parameter(out, 'r', d.remaining);
  append_parameter(out, 't', ceil_seconds(d.remaining == 0 ? d.retry_after : d.reset_after));
}

std::uint64_t retry_after_seconds(const decision& d) noexcept {
  return std::max<std::uint64_t>(ceil_seconds(d.retry_after), 1);
}

}  // namespace fairing::limit
