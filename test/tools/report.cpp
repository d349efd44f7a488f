#include "report.hpp"

#include <fmt/core.h>

#include <cstdio>

namespace fairing::torture {

namespace {
constexpr std::uint64_t printed_faults = 20;

std::string object_of(const std::map<std::string, std::uint64_t>& counts) {
  std::string out;
  for (const auto& [name, n] : counts)
    out += fmt::format("{}\"{}\": {}", out.empty() ? "" : ", ", name, n);
  return "{" + out + "}";
}
}  // namespace

void report::fault(std::string_view what, bool about_a_row) {
  if (about_a_row) ++wrong_rows;
  if (++faults <= printed_faults)
    fmt::print(stderr, "FAULT {}: {}\n", faults, what);
  else if (faults == printed_faults + 1)
    fmt::print(stderr, "FAULT: further ones are only counted\n");
}

std::string report::json(std::uint64_t took_ms, std::uint64_t unexplained_lost,
                         std::uint64_t loosely_explained, std::uint64_t unexplained_refused) const {
  std::string out = "{";
  const auto number = [&out](const char* name, std::uint64_t v) {
    out += fmt::format("\"{}\": {}, ", name, v);
  };
  number("statements", statements);
  number("scripts", scripts);
  number("rows", rows);
  number("took_ms", took_ms);
  number("connections", connections);
  number("cancels_sent", cancels_sent);
  number("cancels_wrong", cancels_wrong);
  number("cancels_that_hit", cancels_that_hit);
  number("late_cancels", late_cancels);
  number("stalls", stalls);
  number("closed_by_us", closed_by_us);
  number("garbage_sent", garbage_sent);
  number("wrong_rows", wrong_rows);
  number("faults", faults);
  number("lost", lost.size());
  number("lost_unexplained", unexplained_lost);
  number("lost_loosely_explained", loosely_explained);
  number("refused", refused.size());
  number("refused_unexplained", unexplained_refused);
  out += "\"errors\": " + object_of(errors);
  out += ", \"login_failures\": " + object_of(login_failures);
  out += ", \"kinds\": " + object_of(kinds);
  return out + "}";
}

}  // namespace fairing::torture
