// server_writer: what the plane itself says to a client: authentication, the console's answers,
// errors, and the completions of what it answers in the server's place.
//
// Flow:
//   append_error(out, {.code = sqlstate::too_many_connections, .hint = "raise sql.pool.size"});
//   append_ready_for_query(out, transaction_status::idle);
// Functions that answer bool: false, and nothing appended, where the message would be over 1 GiB or
// a list over 65535. A text with a NUL is cut there: the protocol cannot carry it.
//
// Threads: any. Cost: `out` may grow; its capacity is the caller's to keep.
// Source: PostgreSQL documentation, "Message Formats", "Error and Notice Message Fields".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/pgwire/server_messages.hpp"

namespace fairing::codec::pgwire {

void append_authentication_ok(std::string& out);
void append_authentication_cleartext_password(std::string& out);
void append_authentication_md5_password(std::string& out, const std::array<char, 4>& salt);
void append_authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms);
void append_authentication_sasl_continue(std::string& out, std::string_view challenge);
void append_authentication_sasl_final(std::string& out, std::string_view outcome);

void append_parameter_status(std::string& out, std::string_view name, std::string_view value);
void append_backend_key_data(std::string& out, backend_key key);
void append_ready_for_query(std::string& out, transaction_status status);

[[nodiscard]] bool append_row_description(std::string& out, std::span<const column_view> columns);
[[nodiscard]] bool append_data_row(std::string& out, std::span<const value_view> values);
void append_command_complete(std::string& out, std::string_view tag);  // "SELECT 3"

struct error_report {
  sqlstate code = sqlstate::internal_error;
  std::string_view severity = "ERROR";  // "FATAL" before closing; "NOTICE", "WARNING" of a notice
  std::string_view message;             // "": the sentence of the code
  std::string_view detail;              // "": none
  std::string_view hint;                // "": none
  std::string_view routine;             // "": none; where drivers know an error by PostgreSQL's
};
// Each text is cut at 8 KiB, on a character's boundary.
void append_error(std::string& out, const error_report& report);
void append_notice(std::string& out, const error_report& report);

void append_parse_complete(std::string& out);
void append_bind_complete(std::string& out);
void append_close_complete(std::string& out);
void append_no_data(std::string& out);
void append_empty_query_response(std::string& out);
void append_portal_suspended(std::string& out);
[[nodiscard]] bool append_parameter_description(std::string& out,
                                                std::span<const std::uint32_t> types);
// Channel and payload are below 8000 bytes where they come from a server.
[[nodiscard]] bool append_notification(std::string& out, const notification_view& notification);

}  // namespace fairing::codec::pgwire
