// Whatever a client asks for, the chosen coding is one that it accepts and that is offered.
#include "compress/encoder.hpp"
#include "fuzz/support.hpp"

using namespace fairing::compress;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto accepted = parse_accept_encoding(fairing::fuzz::text_of(data, size));
  for (const auto q : accepted.q) fairing::fuzz::require(q <= 1000, "q is per mille");
  const coding offered[] = {coding::zstd, coding::br, coding::gzip};
  const auto chosen = choose(accepted, offered);
  if (chosen) fairing::fuzz::require(accepted.allows(*chosen), "only what is accepted is chosen");
  (void)compressible_type(fairing::fuzz::text_of(data, size));
  return 0;
}
