// errc: why a login by SCRAM or md5 was refused, or a secret could not be read.
//
// Problem: a login that fails must be counted and logged by its reason, and answered with the SQLSTATE that
// PostgreSQL itself would use, without telling the peer more than PostgreSQL tells it.
//
// Flow:  send ErrorResponse with sqlstate_for(step.error); log make_error_code(step.error).message().
// Threads: any. Cost: nothing is allocated but in message().
// Source: PostgreSQL 15 src/backend/libpq/auth-scram.c for the SQLSTATEs.
#pragma once

#include <string_view>
#include <system_error>
#include <type_traits>

namespace fairing::codec::scram {

enum class errc {
  ok = 0,
  unsupported_mechanism,   // the peer chose or offers no mechanism that can be used here
  out_of_order,            // a message came in a state that does not expect it
  message_too_long,        // over the limit of its kind; refused before it is looked at
  embedded_nul,            // a NUL inside a message
  malformed_message,       // an attribute is missing, repeated, in the wrong place, or not ended
  mandatory_extension,     // `m=`: the peer demands an extension, and none is known
  authorization_identity,  // `a=`: logging in on behalf of another user is not supported
  bad_nonce,               // empty, over its limit, or with a character that is not printable
  nonce_mismatch,          // the nonce is not, or does not extend, the one that was sent
  bad_base64,              // not strict base64, or not of the length that the field has
  bad_salt,                // empty or over its limit
  bad_iterations,          // not a number, or outside the limits
  channel_binding_unexpected,  // `p=` where no channel binding was offered, or of an unknown type
  channel_binding_missing,     // the -PLUS mechanism without `p=`, or required and not offered
  channel_binding_downgrade,   // `y`: the client believes that -PLUS was not offered, but it was
  channel_binding_mismatch,    // the channel binding data is not that of this connection
  bad_proof,                   // wrong password, or a user that does not exist
  server_refused,              // the server's final message is `e=...`
  bad_server_signature,        // the server does not know the secret it claims to have
  secret_mismatch,             // the server's salt or iterations are not those the keys belong to
  bad_secret,                  // the text of a secret is not `SCRAM-SHA-256$...` in full
  bad_password,                // a password is empty or over its limit
  crypto_failure,              // the cryptographic library refused (no random bytes, md5 forbidden)
};
[[nodiscard]] const std::error_category& scram_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), scram_category()};
}
// What PostgreSQL answers a client with for this fault: 28P01, 28000, 08P01, 0A000 or XX000.
[[nodiscard]] std::string_view sqlstate_for(errc e) noexcept;

}  // namespace fairing::codec::scram

template <>
struct std::is_error_code_enum<fairing::codec::scram::errc> : std::true_type {};
