// support: what the fuzz targets share.
//
// `require` states what must hold for every input; it aborts, so that libFuzzer keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fairing::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

[[nodiscard]] inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Step sizes for feeding the same bytes in pieces, chosen by the input itself.
class splitter {
 public:
  explicit splitter(std::string_view seed) noexcept : seed_(seed) {}
  [[nodiscard]] std::size_t next() noexcept {
    if (seed_.empty()) return 1;
    at_ = (at_ * 5 + 3) % seed_.size();
    return static_cast<unsigned char>(seed_[at_]) % 23 + 1;
  }

 private:
  std::string_view seed_;
  std::size_t at_ = 0;
};

}  // namespace fairing::fuzz
