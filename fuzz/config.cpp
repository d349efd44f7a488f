// Any text is either a configuration or a list of errors with positions; loading never throws or hangs.
#include "app/config/diagnostic.hpp"
#include "app/config/source.hpp"
#include "base/units.hpp"
#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const auto text = fairing::fuzz::text_of(data, size);
  static const fairing::config::config_source source{.file = "fuzz.yaml"};
  const auto loaded = source.load_text(text);
  for (const auto& e : loaded.errors)
    fairing::fuzz::require(!to_text(e).empty(), "an error says something");
  const auto again = source.load_text(text);
  fairing::fuzz::require(again.ok() == loaded.ok(), "the same text, the same verdict");
  (void)fairing::parse_size(text);
  (void)fairing::parse_duration(text);
  (void)fairing::parse_rate(text);
  return 0;
}
