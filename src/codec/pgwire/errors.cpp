#include "codec/pgwire/errors.hpp"

#include <string>

namespace fairing::codec::pgwire {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "pgwire"; }
  std::string message(int value) const override {
    return std::string(sentence(static_cast<errc>(value)));
  }
};

}  // namespace

std::string_view sentence(errc e) noexcept {
  switch (e) {
    case errc::ok:
      return "no error";
    case errc::truncated:
      return "the message ends inside a field, or a count exceeds what it holds";
    case errc::trailing_bytes:
      return "the message goes on after its last field";
    case errc::missing_terminator:
      return "a string or a list of the message has no terminator";
    case errc::bad_value_length:
      return "the length of a value is below -1";
    case errc::format_count:
      return "the number of format codes is neither 0, 1, nor the number of values";
    case errc::bad_format_code:
      return "a format code is neither 0 (text) nor 1 (binary)";
    case errc::bad_kind:
      return "Describe or Close names neither a statement ('S') nor a portal ('P')";
    case errc::bad_status:
      return "ReadyForQuery has a status that is not I, T or E";
    case errc::bad_authentication:
      return "the authentication request has a code that protocol 3.0 does not have";
    case errc::unknown_type:
      return "the message type is unknown in this direction";
    case errc::length_too_small:
      return "the message length is below the least of its type";
    case errc::length_too_large:
      return "the message length is over the limit of its type";
    case errc::bad_startup_length:
      return "the length of the start-up packet is below 8 or over 10004 bytes";
    case errc::unsupported_version:
      return "the start-up packet asks for a protocol other than 3.x";
    case errc::duplicate_parameter:
      return "the start-up packet gives a parameter twice";
    case errc::too_many_parameters:
      return "the start-up packet has too many parameters";
    case errc::missing_user:
      return "no PostgreSQL user name specified in startup packet";
    case errc::not_a_statement:
      return "the message does not name a prepared statement";
  }
  return "unknown error";
}

sqlstate sqlstate_for(errc e) noexcept {
  switch (e) {
    case errc::ok:
      return sqlstate::successful_completion;
    case errc::bad_format_code:
      return sqlstate::invalid_parameter_value;
    case errc::unsupported_version:
      return sqlstate::feature_not_supported;
    case errc::missing_user:
      return sqlstate::invalid_authorization;
    default:
      return sqlstate::protocol_violation;
  }
}

const std::error_category& pgwire_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace fairing::codec::pgwire
