#include "codec/scram/errc.hpp"

#include <string>

namespace fairing::codec::scram {
namespace {

const char* sentence(errc e) noexcept {
  switch (e) {
    case errc::ok:
      return "no error";
    case errc::unsupported_mechanism:
      return "no SASL mechanism in common: SCRAM-SHA-256 is the one that is known";
    case errc::out_of_order:
      return "an authentication message came where none of its kind is expected";
    case errc::message_too_long:
      return "an authentication message is over its limit";
    case errc::embedded_nul:
      return "an authentication message has a NUL in it";
    case errc::malformed_message:
      return "a SCRAM message misses an attribute or has one in the wrong place";
    case errc::mandatory_extension:
      return "the peer requires a SCRAM extension, and none is supported";
    case errc::authorization_identity:
      return "the client asks for another authorization identity, which is not supported";
    case errc::bad_nonce:
      return "a SCRAM nonce is empty, too long, or has characters that are not printable";
    case errc::nonce_mismatch:
      return "a SCRAM nonce is not the one of this exchange";
    case errc::bad_base64:
      return "a field of a SCRAM message or secret is not base64 of the right length";
    case errc::bad_salt:
      return "the salt is empty or too long";
    case errc::bad_iterations:
      return "the iteration count is not a number within the limits";
    case errc::channel_binding_unexpected:
      return "the client asks for channel binding that was not offered";
    case errc::channel_binding_missing:
      return "channel binding is required or was chosen, and is not there";
    case errc::channel_binding_downgrade:
      return "the client believes that channel binding was not offered, but it was: something "
             "between may have removed it";
    case errc::channel_binding_mismatch:
      return "the channel binding data is that of another connection: something may be between";
    case errc::bad_proof:
      return "password authentication failed";
    case errc::server_refused:
      return "the server refused the login in its last SCRAM message";
    case errc::bad_server_signature:
      return "the server could not prove that it knows the user's secret: check the address it was "
             "reached at";
    case errc::secret_mismatch:
      return "the server's secret of this user differs from the one configured here: copy "
             "rolpassword of pg_authid, or configure the password itself";
    case errc::bad_secret:
      return "the secret is not SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>";
    case errc::bad_password:
      return "the password is empty or too long";
    case errc::crypto_failure:
      return "the cryptographic library refused an operation";
  }
  return "unknown error";
}

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "scram"; }
  std::string message(int value) const override { return sentence(static_cast<errc>(value)); }
};

}  // namespace

const std::error_category& scram_category() noexcept {
  static const category instance;
  return instance;
}

std::string_view sqlstate_for(errc e) noexcept {
  switch (e) {
    case errc::bad_proof:
    case errc::bad_password:
    case errc::bad_secret:
    case errc::secret_mismatch:
    case errc::server_refused:
    case errc::bad_server_signature:
      return "28P01";
    case errc::channel_binding_missing:
    case errc::channel_binding_downgrade:
    case errc::channel_binding_mismatch:
      return "28000";
    case errc::mandatory_extension:
    case errc::authorization_identity:
      return "0A000";
    case errc::ok:
    case errc::crypto_failure:
      return "XX000";
    default:
      return "08P01";
  }
}

}  // namespace fairing::codec::scram
