// What parses can be written, and parses to the same value again.
#include "codec/structured_fields/structured_fields.hpp"

#include "fuzz/support.hpp"

using namespace fairing::codec::structured_fields;
using fairing::fuzz::require;

namespace {

template <class Parse>
void round_trip(std::string_view text, Parse parse) {
  const auto value = parse(text);
  if (!value) return;
  const auto written = serialize(*value);
  require(written.has_value(), "what parses can be written");
  const auto again = parse(*written);
  require(again.has_value() && *again == *value, "same value");
  require(*serialize(*again) == *written, "canonical");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  round_trip(text, parse_item);
  round_trip(text, parse_list);
  round_trip(text, parse_dictionary);
  return 0;
}
