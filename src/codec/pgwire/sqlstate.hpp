// sqlstate: the error codes that Fairing itself sends or decides by.
//
// Problem: drivers act on the five characters, people read the sentence; both must be the same
// everywhere the plane speaks. Errors of the server are passed on as they came: a code that is not
// in this list is not an error here.
//
// Flow:
//   append_error(out, {.code = sqlstate::too_many_connections, .hint = "..."});
//   if (sqlstate_from_code(error.sqlstate) == sqlstate::undefined_statement) forget_statement();
//
// Threads: any. Source: PostgreSQL documentation, appendix A "PostgreSQL Error Codes".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fairing::codec::pgwire {

enum class sqlstate : std::uint8_t {
  successful_completion,        // 00000: severity of a NOTICE
  warning,                      // 01000: a NOTICE of Fairing's own
  connection_exception,         // 08000
  connection_does_not_exist,    // 08003
  connection_failure,           // 08006: the server connection broke in the middle of an answer
  unable_to_connect,            // 08001: no server connection could be opened
  connection_rejected,          // 08004: the server refused the connection
  protocol_violation,           // 08P01
  feature_not_supported,        // 0A000
  invalid_parameter_value,      // 22023
  active_transaction,           // 25001: a command that must not run inside a transaction
  failed_transaction,           // 25P02: ignored until the end of the transaction block
  idle_in_transaction_timeout,  // 25P03
  undefined_statement,          // 26000: the prepared statement does not exist
  invalid_authorization,        // 28000
  invalid_password,             // 28P01
  invalid_cursor_name,          // 34000: the portal does not exist
  undefined_database,           // 3D000
  serialization_failure,        // 40001
  insufficient_privilege,       // 42501
  syntax_error,                 // 42601
  undefined_object,             // 42704: no such setting
  duplicate_cursor,             // 42P03
  duplicate_statement,          // 42P05: the prepared statement exists already
  insufficient_resources,       // 53000
  out_of_memory,                // 53200: a limit of bytes was reached
  too_many_connections,         // 53300
  limit_exceeded,               // 54000: a limit of size or count of Fairing's own
  query_canceled,               // 57014: a cancel request or a timeout
  admin_shutdown,        // 57P01: Fairing or the server is going down, or an admin closed this
  crash_shutdown,        // 57P02
  cannot_connect_now,    // 57P03: paused, starting or draining
  idle_session_timeout,  // 57P05
  system_error,          // 58000
  internal_error,        // XX000
};
inline constexpr std::size_t sqlstate_count =
    static_cast<std::size_t>(sqlstate::internal_error) + 1;

// The five characters; static.
[[nodiscard]] std::string_view code(sqlstate s) noexcept;
// One sentence that is fit as the message of an ErrorResponse; static.
[[nodiscard]] std::string_view sentence(sqlstate s) noexcept;
// Nothing for a code that is not in the list. O(list).
[[nodiscard]] std::optional<sqlstate> sqlstate_from_code(std::string_view five) noexcept;
// Five characters, each a digit or an upper-case letter.
[[nodiscard]] bool is_sqlstate(std::string_view text) noexcept;

}  // namespace fairing::codec::pgwire
