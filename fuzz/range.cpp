// Ranges that are served lie inside the body, in order, without overlap, and are at most eight.
#include "http/logic/range.hpp"

#include "fuzz/support.hpp"

using namespace fairing::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint64_t body = static_cast<std::uint64_t>(data[0]) * 256 + data[1];
  const auto set = parse_ranges(fairing::fuzz::text_of(data + 2, size - 2), body);
  std::uint64_t next = 0;
  for (const auto& r : set.parts()) {
    fairing::fuzz::require(r.first <= r.last && r.last < body, "a part lies inside the body");
    fairing::fuzz::require(r.first >= next, "parts do not overlap");
    next = r.last + 1;
  }
  fairing::fuzz::require(set.use != range_use::parts || set.count > 0, "206 has a part");
  return 0;
}
