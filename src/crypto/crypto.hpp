// crypto: SHA-256, its HMAC and PBKDF2, random bytes and base64, over libcrypto, and memory that is wiped.
//
// Problem: keys must not stay in freed memory, must not be compared byte by byte with an early exit,
// and a refusal of the library must be an error, not a key of zeros.
//
// Flow:
//   key k;  if (!hmac_sha256(secret, text, k)) return refused;
//   if (!constant_time_equal(a, b)) ...
// Lifecycle: a `key` wipes itself when it goes; copies do too. Threads: any, nothing is shared.
// Cost: under a microsecond a kilobyte; pbkdf2_sha256 is the exception, by its iterations.
// Source: RFC 2104, RFC 8018 §5.2, RFC 4648 §4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fairing::crypto {

inline constexpr std::size_t key_bytes = 32;  // SHA-256

// 32 bytes that are wiped on destruction.
class key {
 public:
  key() noexcept = default;
  key(const key&) noexcept = default;
  key& operator=(const key&) noexcept = default;
  ~key() { wipe(); }

  // Of exactly key_bytes bytes; else nullopt.
  [[nodiscard]] static std::optional<key> from(std::string_view bytes) noexcept;

  [[nodiscard]] unsigned char* data() noexcept { return bytes_.data(); }
  [[nodiscard]] const unsigned char* data() const noexcept { return bytes_.data(); }
  // As text; valid while the key is.
  [[nodiscard]] std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  void wipe() noexcept;

 private:
  std::array<unsigned char, key_bytes> bytes_{};
};

// Overwrites in a way that the compiler keeps, then empties.
void wipe(std::string& text) noexcept;

// Wipes a string when the scope ends.
class wiped_string {
 public:
  wiped_string() = default;
  explicit wiped_string(std::string text) noexcept : text_(std::move(text)) {}
  wiped_string(const wiped_string&) = default;
  wiped_string& operator=(const wiped_string&) = default;
  ~wiped_string() { wipe(text_); }
  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  std::string text_;
};

// Time depends on the lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

// False if libcrypto refuses; `out` is then not to be used.
[[nodiscard]] bool sha256(std::string_view text, key& out) noexcept;
[[nodiscard]] bool hmac_sha256(std::string_view secret, std::string_view text, key& out) noexcept;
[[nodiscard]] bool pbkdf2_sha256(std::string_view password, std::string_view salt,
                                 std::uint32_t iterations, key& out) noexcept;
// `count` bytes of the kernel's generator (through libcrypto's); nullopt if there are none.
[[nodiscard]] std::optional<std::string> random_bytes(std::size_t count);

// a = a xor b.
void xor_into(key& a, const key& b) noexcept;

[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Strict: padded, canonical, no white space. nullopt also when more than max_bytes would come out;
// a longer text is then refused before it is looked at.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text,
                                                       std::size_t max_bytes);

}  // namespace fairing::crypto
