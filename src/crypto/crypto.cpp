#include "crypto/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

namespace fairing::crypto {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() noexcept {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr auto values = make_values();

const unsigned char* raw(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<key> key::from(std::string_view bytes) noexcept {
  if (bytes.size() != key_bytes) return std::nullopt;
  key out;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

void key::wipe() noexcept { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

void wipe(std::string& text) noexcept {
  if (text.capacity() == 0) return;
  text.resize(
      text.capacity());  // never allocates: bytes beyond size() may be of an earlier content
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool sha256(std::string_view text, key& out) noexcept {
  unsigned int size = 0;
  return EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr) == 1 &&
         size == key_bytes;
}

bool hmac_sha256(std::string_view secret, std::string_view text, key& out) noexcept {
  unsigned int size = 0;
  // A null key would mean "the one before" to libcrypto.
  const char* start = secret.empty() ? "" : secret.data();
  return HMAC(EVP_sha256(), start, static_cast<int>(secret.size()), raw(text), text.size(),
              out.data(), &size) != nullptr &&
         size == key_bytes;
}

bool pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations,
                   key& out) noexcept {
  const char* start = password.empty() ? "" : password.data();
  return PKCS5_PBKDF2_HMAC(start, static_cast<int>(password.size()), raw(salt),
                           static_cast<int>(salt.size()), static_cast<int>(iterations),
                           EVP_sha256(), static_cast<int>(key_bytes), out.data()) == 1;
}

std::optional<std::string> random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    return std::nullopt;
  return out;
}

void xor_into(key& a, const key& b) noexcept {
  for (std::size_t i = 0; i < key_bytes; ++i)
    a.data()[i] = static_cast<unsigned char>(a.data()[i] ^ b.data()[i]);
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto* in = raw(bytes);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = static_cast<std::uint32_t>(in[i]) << 16 |
                                static_cast<std::uint32_t>(in[i + 1]) << 8 | in[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[group >> shift & 63];
  }
  if (i == bytes.size()) return out;
  const bool two = i + 2 == bytes.size();
  const std::uint32_t group = static_cast<std::uint32_t>(in[i]) << 16 |
                              (two ? static_cast<std::uint32_t>(in[i + 1]) << 8 : 0U);
  out += alphabet[group >> 18];
  out += alphabet[group >> 12 & 63];
  out += two ? alphabet[group >> 6 & 63] : '=';
  out += '=';
  return out;
}

std::optional<std::string> base64_decode(std::string_view text, std::size_t max_bytes) {
  if (text.size() % 4 != 0 || text.size() / 4 * 3 > max_bytes + 2) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    std::size_t padding = 0;
    if (last && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4 - padding; ++j) {
      const auto value = values[static_cast<unsigned char>(text[i + j])];
      if (value < 0) return std::nullopt;
      group |= static_cast<std::uint32_t>(value) << (18 - 6 * j);
    }
    // Bits that no byte takes must be zero: one text a value.
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0))
      return std::nullopt;
    out += static_cast<char>(group >> 16 & 0xff);
    if (padding < 2) out += static_cast<char>(group >> 8 & 0xff);
    if (padding < 1) out += static_cast<char>(group & 0xff);
  }
  if (out.size() > max_bytes) return std::nullopt;
  return out;
}

}  // namespace fairing::crypto
