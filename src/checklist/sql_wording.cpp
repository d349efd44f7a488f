// The words that the points of the sql plane share (points.hpp).
#include <fmt/format.h>

#include <algorithm>

#include "checklist/points.hpp"

namespace fairing::checklist {

point without_sql(int number, std::string_view title) {
  point p{number, std::string(title), grade::not_seen, {}, {}};
  p.evidence.emplace_back("not seen: no sql plane configured");
  p.fix = {"# fairing.yaml, and the backend's DATABASE_URL then points to 127.0.0.1:6432:",
           "sql: { listen: 127.0.0.1:6432, upstream: \"${DATABASE_URL}\" }"};
  return p;
}

std::string clients_were(std::uint64_t n) {
  return n == 1 ? "1 client was" : std::to_string(n) + " clients were";
}

std::string short_sql(std::string_view text) {
  constexpr std::size_t most = 160;
  if (text.size() <= most) return std::string(text);
  auto end = most;  // not within a character of UTF-8
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace fairing::checklist
