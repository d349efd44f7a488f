// server_messages: what a server sends, parsed to views.
//
// Problem: the relay passes nearly everything on unread; what it must read (authentication, status,
// errors, descriptions, and rows where they are cached or split) comes from a server that may be
// another product or hostile. Each function takes a body (the message without its five header
// bytes) and answers views into it, or the first fault.
//
// Flow:
//   const auto e = read_error(f.body());
//   if (e && e->sqlstate == code(sqlstate::undefined_statement)) ...    // "" if it had none
//   for (const auto& v : read_data_row(f.body()).value()) ...
//
// Lifecycle: the views point into the body. Threads: any. Cost: one pass; no allocation.
// Source: PostgreSQL documentation, "Message Formats", "Error and Notice Message Fields".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/startup.hpp"
#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {

enum class auth_kind : std::uint32_t {
  ok = 0,                  // authenticated
  kerberos_v5 = 2,         // no longer supported by any server
  cleartext_password = 3,  // wants a PasswordMessage in clear text
  md5_password = 5,        // wants an MD5 of password, user and salt
  scm_credential = 6,      // obsolete, Unix sockets only
  gss = 7,                 // wants GSSAPI
  gss_continue = 8,        // GSSAPI or SSPI data
  sspi = 9,                // wants SSPI
  sasl = 10,               // offers SASL mechanisms
  sasl_continue = 11,      // a SASL challenge
  sasl_final = 12,         // SASL outcome data
};

struct authentication_view {
  auth_kind kind = auth_kind::ok;
  std::array<char, 4> salt{};  // of md5_password
  text_list mechanisms;        // of sasl, in the server's order of preference
  std::string_view data;       // of gss_continue, sasl_continue and sasl_final

  [[nodiscard]] bool offers(std::string_view mechanism) const noexcept {
    for (const auto& m : mechanisms)
      if (m.text == mechanism) return true;
    return false;
  }
};

struct column_view {
  std::string_view name;
  std::uint32_t table = 0;      // object id of the table, or 0 if the column is computed
  std::uint16_t attribute = 0;  // number of the column in that table, or 0
  std::uint32_t type = 0;       // object id of the type
  std::int16_t type_size = -1;  // negative: variable width
  std::int32_t type_modifier = -1;
  std::int16_t format = 0;  // 0 text, 1 binary; 0 as well where it is not known yet

  static column_view decode(const char*& p) noexcept;
  [[nodiscard]] bool operator==(const column_view&) const noexcept = default;
};
using column_list = message_list<column_view>;

struct command_complete_view {
  std::string_view tag;  // "INSERT 0 2"
  // How many rows it selected, wrote, moved or copied, where the tag says so.
  std::optional<std::uint64_t> rows;

  // "INSERT", "SELECT", "BEGIN", "CREATE": the tag's first word.
  [[nodiscard]] std::string_view command() const noexcept { return tag.substr(0, tag.find(' ')); }
};

struct field_view {
  char code = 0;
  std::string_view value;
  static field_view decode(const char*& p) noexcept {
    field_view v{*p++, {}};
    v.value = text_view::decode(p).text;
    return v;
  }
};

// Of an ErrorResponse or a NoticeResponse. A field that is missing is "".
struct error_view {
  std::string_view severity;  // not translated (V) where the server sends that, else S
  std::string_view sqlstate;  // "" if it is missing or not five digits and capitals
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
  message_list<field_view> fields;  // all of them, as they came

  // FATAL or PANIC: the server closes the connection after it.
  [[nodiscard]] bool fatal() const noexcept { return severity == "FATAL" || severity == "PANIC"; }
  // The first field of that code, or "".
  [[nodiscard]] std::string_view find(char code) const noexcept;
};

struct notification_view {
  std::uint32_t pid = 0;  // of the notifying backend
  std::string_view channel;
  std::string_view payload;
};

// Of a CopyInResponse, CopyOutResponse or CopyBothResponse.
struct copy_response_view {
  std::uint8_t format = 0;  // of the whole: 0 text, 1 binary
  format_codes column_formats;
};

struct negotiate_view {
  std::uint32_t version = 0;  // newest minor version the server has; full number or the minor alone
  text_list options;          // the `_pq_.` options that it does not know
};

[[nodiscard]] parsed<authentication_view> read_authentication(std::string_view body) noexcept;
[[nodiscard]] parsed<parameter_view> read_parameter_status(std::string_view body) noexcept;
[[nodiscard]] parsed<backend_key> read_backend_key_data(std::string_view body) noexcept;
[[nodiscard]] parsed<transaction_status> read_ready_for_query(std::string_view body) noexcept;
[[nodiscard]] parsed<column_list> read_row_description(std::string_view body) noexcept;
[[nodiscard]] parsed<value_list> read_data_row(std::string_view body) noexcept;
[[nodiscard]] parsed<command_complete_view> read_command_complete(std::string_view body) noexcept;
[[nodiscard]] parsed<error_view> read_error(std::string_view body) noexcept;  // and a notice
[[nodiscard]] parsed<oid_list> read_parameter_description(std::string_view body) noexcept;
[[nodiscard]] parsed<notification_view> read_notification(std::string_view body) noexcept;
[[nodiscard]] parsed<copy_response_view> read_copy_response(std::string_view body) noexcept;
[[nodiscard]] parsed<value_view> read_function_call_response(std::string_view body) noexcept;
[[nodiscard]] parsed<negotiate_view> read_negotiate_protocol_version(
    std::string_view body) noexcept;

}  // namespace fairing::codec::pgwire
