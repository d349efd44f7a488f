// keys: from a password to what SCRAM-SHA-256 works with, and PostgreSQL's text of a secret.
//
// Problem: a client must be checked by, and a server be opened with, one of three things that
// people configure: a password, a secret as in pg_authid, or the key that a client's own login left.
// Deriving keys from a password is slow on purpose and must neither block a core nor be repeated.
//
// Flow:
//   at start, a password is configured:
//     auto keys = derive_keys(password);                 // slow; a salt of its own
//     const scram_secret secret = secret_of(*keys);      // server_fsm checks clients with it
//   a secret is configured, or auth_query brought one:
//     auto secret = parse_secret(text);
//   nobody of that name:
//     const auto secret = mock_secret(process_secret, user);
//   towards PostgreSQL: client_fsm, whose header says when derive_keys is called again (the server
//   has a salt of its own) and that its result serves every later connection.
// Lifecycle: values; keys wipe themselves.
// Threads: any, nothing is shared. derive_keys and verify_password take 1 to 4 ms at PostgreSQL's
// 4,096 iterations and grow with them (max_iterations: seconds): call them at start or on an offload
// thread, never on a core. Everything else takes microseconds.
// Source: RFC 5802 §3, RFC 7677, PostgreSQL 15 src/common/scram-common.c and the documentation of
// pg_authid.rolpassword.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/scram/errc.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::scram {

using crypto::key;
using crypto::key_bytes;
using crypto::wiped_string;

inline constexpr std::uint32_t default_iterations = 4096;    // PostgreSQL's
inline constexpr std::uint32_t max_iterations = 10'000'000;  // over it: bad_iterations
inline constexpr std::size_t default_salt_bytes = 16;        // PostgreSQL's
inline constexpr std::size_t max_salt_bytes = 256;
inline constexpr std::size_t max_password_bytes = 8192;

// What opens a server without the password: the keys for one salt and one count of iterations.
// As good as the password wherever that salt is in use: never log it.
struct login_keys {
  std::string salt;  // raw bytes
  std::uint32_t iterations = 0;
  key client_key;
  key server_key;

  // Whether a server that announces these would accept the keys, if the password is right.
  [[nodiscard]] bool fits(std::string_view its_salt, std::uint32_t its_iterations) const noexcept {
    return iterations == its_iterations && salt == its_salt;
  }
};

// What checks a client: StoredKey is H(ClientKey), so this does not log in anywhere by itself.
struct scram_secret {
  std::string salt;  // raw bytes
  std::uint32_t iterations = 0;
  key stored_key;
  key server_key;
  bool mock = false;  // of no user: goes through all steps, never matches

  // "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>"
  [[nodiscard]] std::string to_text() const;
};

// Slow (see above). The password is brought into its form by saslprep. An empty salt: random ones of
// default_salt_bytes. Errors: bad_password, bad_salt, bad_iterations, crypto_failure.
[[nodiscard]] result<login_keys> derive_keys(std::string_view password, std::string_view salt = {},
                                             std::uint32_t iterations = default_iterations);

// Errors: crypto_failure.
[[nodiscard]] result<scram_secret> secret_of(const login_keys& keys);

// derive_keys and secret_of: slow.
[[nodiscard]] result<scram_secret> make_secret(std::string_view password,
                                               std::string_view salt = {},
                                               std::uint32_t iterations = default_iterations);

// Strict: strict base64, keys of 32 bytes, iterations from 1 to max_iterations without leading
// zeros, nothing after. Errors: bad_secret, whose detail never repeats the text.
[[nodiscard]] result<scram_secret> parse_secret(std::string_view text);

// Slow. False for a mock secret, and when libcrypto refuses.
[[nodiscard]] bool verify_password(const scram_secret& secret, std::string_view password);

// For a user that does not exist: the salt is a function of the name, so that asking twice tells
// nothing. `process_secret` is random, drawn once; `iterations` are to be those of the real users.
// Errors: crypto_failure.
[[nodiscard]] result<scram_secret> mock_secret(std::string_view process_secret,
                                               std::string_view user,
                                               std::uint32_t iterations = default_iterations);

// How PostgreSQL reads rolpassword, and we a configured password.
enum class secret_kind : std::uint8_t {
  plain,  // the password itself
  md5,    // "md5" and 32 hex digits: md5.hpp
  scram,  // what parse_secret takes
};
[[nodiscard]] secret_kind kind_of(std::string_view text);

}  // namespace fairing::codec::scram
