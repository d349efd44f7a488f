#include "codec/scram/keys.hpp"

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "codec/scram/md5.hpp"
#include "codec/scram/saslprep.hpp"

namespace fairing::codec::scram {
namespace {

constexpr std::string_view scheme = "SCRAM-SHA-256$";

// Cuts the text at the next `end` and gives what is before; nullopt if there is none.
std::optional<std::string_view> cut(std::string_view& text, char end) noexcept {
  const auto at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const auto out = text.substr(0, at);
  text.remove_prefix(at + 1);
  return out;
}

std::optional<key> key_of_base64(std::string_view text) {
  auto bytes = crypto::base64_decode(text, key_bytes);
  if (!bytes) return std::nullopt;
  auto out = key::from(*bytes);
  crypto::wipe(*bytes);
  return out;
}

bool password_is_fine(std::string_view password) noexcept {
  return !password.empty() && password.size() <= max_password_bytes;
}

}  // namespace

std::string scram_secret::to_text() const {
  return fmt::format("{}{}:{}${}:{}", scheme, iterations, crypto::base64_encode(salt),
                     crypto::base64_encode(stored_key.view()),
                     crypto::base64_encode(server_key.view()));
}

result<login_keys> derive_keys(std::string_view password, std::string_view salt,
                               std::uint32_t iterations) {
  if (!password_is_fine(password)) return fail(errc::bad_password);
  if (iterations == 0 || iterations > max_iterations) return fail(errc::bad_iterations);
  login_keys out;
  out.iterations = iterations;
  if (salt.empty()) {
    auto drawn = crypto::random_bytes(default_salt_bytes);
    if (!drawn) return fail(errc::crypto_failure);
    out.salt = std::move(*drawn);
  } else {
    if (salt.size() > max_salt_bytes) return fail(errc::bad_salt);
    out.salt = salt;
  }
  const wiped_string prepared(saslprep(password));
  key salted;
  if (!crypto::pbkdf2_sha256(prepared.view(), out.salt, iterations, salted) ||
      !crypto::hmac_sha256(salted.view(), "Client Key", out.client_key) ||
      !crypto::hmac_sha256(salted.view(), "Server Key", out.server_key))
    return fail(errc::crypto_failure);
  return out;
}

result<scram_secret> secret_of(const login_keys& keys) {
  scram_secret out{.salt = keys.salt, .iterations = keys.iterations};
  if (!crypto::sha256(keys.client_key.view(), out.stored_key)) return fail(errc::crypto_failure);
  out.server_key = keys.server_key;
  return out;
}

result<scram_secret> make_secret(std::string_view password, std::string_view salt,
                                 std::uint32_t iterations) {
  const auto keys = derive_keys(password, salt, iterations);
  if (!keys) return std::unexpected(keys.error());
  return secret_of(*keys);
}

result<scram_secret> parse_secret(std::string_view text) {
  const auto bad = [](const char* what) {
    return fail(errc::bad_secret, fmt::format("{}; a secret is SCRAM-SHA-256$<iterations>:<salt>$"
                                              "<StoredKey>:<ServerKey>, as in pg_authid",
                                              what));
  };
  if (!text.starts_with(scheme)) return bad("the secret does not begin with SCRAM-SHA-256$");
  text.remove_prefix(scheme.size());
  const auto count = cut(text, ':');
  const auto salt = cut(text, '$');
  const auto stored = cut(text, ':');
  if (!count || !salt || !stored) return bad("a part of the secret is missing");
  const auto iterations = parse_digits(*count);
  if (!iterations || count->front() == '0' || *iterations > max_iterations)
    return bad("the iterations are not a number from 1 to 10000000");
  auto salt_bytes = crypto::base64_decode(*salt, max_salt_bytes);
  if (!salt_bytes || salt_bytes->empty()) return bad("the salt is not 1 to 256 bytes in base64");
  const auto stored_key = key_of_base64(*stored);
  const auto server_key = key_of_base64(text);
  if (!stored_key || !server_key) return bad("a key is not 32 bytes in base64");
  return scram_secret{.salt = std::move(*salt_bytes),
                      .iterations = static_cast<std::uint32_t>(*iterations),
                      .stored_key = *stored_key,
                      .server_key = *server_key};
}

bool verify_password(const scram_secret& secret, std::string_view password) {
  const auto made = make_secret(password, secret.salt, secret.iterations);
  return made && !secret.salt.empty() &&
         crypto::constant_time_equal(made->server_key.view(), secret.server_key.view()) &&
         !secret.mock;
}

result<scram_secret> mock_secret(std::string_view process_secret, std::string_view user,
                                 std::uint32_t iterations) {
  key digest;
  if (!crypto::hmac_sha256(process_secret, user, digest)) return fail(errc::crypto_failure);
  scram_secret out{.iterations = iterations, .mock = true};
  out.salt = digest.view().substr(0, default_salt_bytes);
  return out;
}

secret_kind kind_of(std::string_view text) {
  if (is_md5_secret(text)) return secret_kind::md5;
  return parse_secret(text) ? secret_kind::scram : secret_kind::plain;
}

}  // namespace fairing::codec::scram
