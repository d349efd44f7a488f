// What is read as a date is written to a text that reads as the same date.
#include "codec/http1/date.hpp"

#include "fuzz/support.hpp"

using namespace fairing::codec::http1;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto date = parse_date(fairing::fuzz::text_of(data, size));
  if (!date) return 0;
  const auto text = format_date(*date);
  // A leap second in the last second of the year 9999 is the one date that cannot be written.
  const auto again = parse_date({text.data(), text.size()});
  fairing::fuzz::require(again == date || date->time_since_epoch().count() == 253402300800,
                         "a date survives writing");
  return 0;
}
