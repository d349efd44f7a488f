// bodies: the contents the benchmark origin serves, the same bytes in every run and on every
// machine.
//
// Flow: bodies made once at start; views of them live as long as it does.
// Threads: one writer at start, then read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairing::bench {

class bodies {
 public:
  bodies();

  [[nodiscard]] std::string_view kb1() const noexcept { return text(1024); }
  [[nodiscard]] std::string_view kb100() const noexcept { return text(100 * 1024); }
  // A list of products as a shop's API would answer it, about 69 KB of JSON, and it gzipped (level
  // 6).
  [[nodiscard]] std::string_view json69() const noexcept { return json_; }
  [[nodiscard]] std::string_view json69_gzip() const noexcept { return json_gzip_; }
  // `size` bytes of text of some entropy. Precondition: size <= text_limit.
  [[nodiscard]] std::string_view text(std::size_t size) const noexcept {
    return std::string_view(text_).substr(0, size);
  }

  static constexpr std::size_t text_limit = 200 * 1024;

 private:
  std::string text_;
  std::string json_;
  std::string json_gzip_;
};

// The size of /fill/{n}: 200 B to 200 KB, each power of two about as frequent as the next (the mean
// is about 30 KB), always the same for the same n.
[[nodiscard]] std::size_t fill_size(std::uint64_t n) noexcept;

}  // namespace fairing::bench
