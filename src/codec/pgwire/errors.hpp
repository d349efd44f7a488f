// errors: what can be wrong with a peer's bytes, and the SQLSTATE that answers it.
//
// Problem: a parser of peer input never throws and never allocates to fail; what it returns on
// failure is one small value that converts to std::error_code and has its sentence.
//
// Flow:
//   const auto bind = read_bind(body);
//   if (!bind) return refuse(sqlstate_for(bind.error()), sentence(bind.error()));
//
// Threads: any. Cost: none; the sentences are static.
#pragma once

#include <expected>
#include <string_view>
#include <system_error>

#include "codec/pgwire/sqlstate.hpp"

namespace fairing::codec::pgwire {

enum class errc {
  ok = 0,
  truncated,            // the body ends inside a field, or a count exceeds what the body holds
  trailing_bytes,       // the body goes on after its last field
  missing_terminator,   // a string without its NUL, or a list without its end
  bad_value_length,     // the length of a value is below -1
  format_count,         // the number of format codes is neither 0, 1, nor that of the values
  bad_format_code,      // a format code that is neither 0 (text) nor 1 (binary)
  bad_kind,             // Describe or Close of something that is neither 'S' nor 'P'
  bad_status,           // ReadyForQuery with a status that is not I, T or E
  bad_authentication,   // an authentication code that protocol 3.0 does not have
  unknown_type,         // a message type that this direction does not have
  length_too_small,     // a length below the least of its type (4 for any)
  length_too_large,     // a length over the limit of its type (0x3fffffff for any)
  bad_startup_length,   // a start-up packet below 8 or over 10004 bytes
  unsupported_version,  // a start-up packet of a protocol other than 3.x
  duplicate_parameter,  // a start-up parameter given twice
  too_many_parameters,  // more start-up parameters than allowed
  missing_user,         // a start-up packet without `user`
  not_a_statement,      // a rename of a message that names no prepared statement
};

[[nodiscard]] const std::error_category& pgwire_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), pgwire_category()};
}
[[nodiscard]] std::string_view sentence(errc e) noexcept;
// The SQLSTATE that PostgreSQL itself gives for this fault; mostly 08P01.
[[nodiscard]] sqlstate sqlstate_for(errc e) noexcept;

// What every parser here returns.
template <class T>
using parsed = std::expected<T, errc>;

}  // namespace fairing::codec::pgwire

template <>
struct std::is_error_code_enum<fairing::codec::pgwire::errc> : std::true_type {};
