#include "codec/scram/md5.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>

#include "codec/scram/keys.hpp"

namespace fairing::codec::scram {
namespace {

std::optional<std::string> tagged_digest(std::string_view text) {
  std::array<unsigned char, 16> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1 ||
      size != digest.size())
    return std::nullopt;
  std::string out = "md5";
  for (const auto byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

bool is_md5_secret(std::string_view text) noexcept {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == md5_secret_bytes && text.starts_with("md5") &&
         std::all_of(text.begin() + 3, text.end(), hex);
}

result<std::string> md5_secret(std::string_view user, std::string_view password) {
  if (password.empty() || password.size() > max_password_bytes) return fail(errc::bad_password);
  std::string text(password);
  text += user;
  auto out = tagged_digest(text);
  crypto::wipe(text);
  if (!out) return fail(errc::crypto_failure);
  return std::move(*out);
}

result<std::string> md5_response(std::string_view secret, std::string_view salt) {
  if (!is_md5_secret(secret)) return fail(errc::bad_secret, "the secret is not md5 and 32 digits");
  if (salt.size() != md5_salt_bytes) return fail(errc::bad_salt);
  std::string text(secret.substr(3));
  text += salt;
  auto out = tagged_digest(text);
  crypto::wipe(text);
  if (!out) return fail(errc::crypto_failure);
  return std::move(*out);
}

bool md5_verify(std::string_view secret, std::string_view salt, std::string_view response) {
  const auto expected = md5_response(secret, salt);
  return expected && crypto::constant_time_equal(*expected, response);
}

}  // namespace fairing::codec::scram
