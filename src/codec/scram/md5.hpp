// md5: PostgreSQL's older password authentication (AuthenticationMD5Password).
//
// Problem: servers with `password_encryption = md5` are still there, and clients that know nothing else.
// Whoever has the secret can log in with it, and md5 is weak: offered only where it is configured.
//
// Flow, towards a server that asks with 4 bytes of salt:
//   auto secret = md5_secret(user, password);         // or "md5..." of pg_authid as it is
//   auto answer = md5_response(*secret, salt);        // the text of PasswordMessage
// Flow, for a client that was sent 4 random bytes: md5_verify(secret, salt, its_password_message).
// Threads: any. Cost: microseconds.
// Source: PostgreSQL 15 documentation, "Message Flow", AuthenticationMD5Password.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairing::codec::scram {

inline constexpr std::size_t md5_salt_bytes = 4;
inline constexpr std::size_t md5_secret_bytes = 35;

// "md5" and 32 hex digits in lower case.
[[nodiscard]] bool is_md5_secret(std::string_view text) noexcept;

// "md5" + hex(md5(password + user)). Errors: bad_password, crypto_failure (FIPS forbids md5).
[[nodiscard]] result<std::string> md5_secret(std::string_view user, std::string_view password);

// "md5" + hex(md5(secret without "md5" + salt)). Errors: bad_secret, bad_salt, crypto_failure.
[[nodiscard]] result<std::string> md5_response(std::string_view secret, std::string_view salt);

// In constant time; false for anything that is not exactly the response, or when libcrypto refuses.
[[nodiscard]] bool md5_verify(std::string_view secret, std::string_view salt,
                              std::string_view response);

}  // namespace fairing::codec::scram
