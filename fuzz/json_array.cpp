// The longest array is the same however the bytes are cut.
#include "checklist/json_array.hpp"

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  fairing::checklist::json_array_probe whole;
  whole.feed(text);
  fairing::checklist::json_array_probe pieces;
  fairing::fuzz::splitter split(text);
  for (std::size_t at = 0; at < text.size();) {
    const auto n = std::min(split.next(), text.size() - at);
    pieces.feed(text.substr(at, n));
    at += n;
  }
  fairing::fuzz::require(whole.longest() == pieces.longest(), "cutting changes nothing");
  fairing::fuzz::require(whole.longest() <= text.size(), "an element takes a byte");
  return 0;
}
