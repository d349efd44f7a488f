// hash: one seeded 64-bit hash for tables that hold what peers send (so that nobody can choose
// colliding keys), and for tags. XXH3 from libxxhash; not cryptographic.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace fairing {

// Drawn from the kernel once per process, at the first call. Any thread.
[[nodiscard]] std::uint64_t process_seed() noexcept;

[[nodiscard]] inline std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// hash64 of bytes that come piece by piece: the same for the same bytes, however they were cut.
class hash_stream {
 public:
  hash_stream() noexcept { XXH3_64bits_reset(&state_); }
  void add(std::string_view bytes) noexcept {
    XXH3_64bits_update(&state_, bytes.data(), bytes.size());
  }
  [[nodiscard]] std::uint64_t digest() const noexcept { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

// A finaliser for integers that are already well spread but share low bits.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

}  // namespace fairing
