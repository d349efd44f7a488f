#include "codec/pgwire/server_writer.hpp"

#include "codec/pgwire/message_writer.hpp"

namespace fairing::codec::pgwire {
namespace {

constexpr std::size_t max_text_bytes = 8192;

message_writer authentication(std::string& out, auth_kind kind) {
  message_writer w(out, server_type::authentication);
  w.u32(static_cast<std::uint32_t>(kind));
  return w;
}

void append_bare(std::string& out, server_type type) { message_writer(out, type).finish_small(); }

// Not in the middle of a UTF-8 sequence.
std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= max_text_bytes) return text;
  auto n = max_text_bytes;
  while (n != 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  return text.substr(0, n);
}

void put_field(message_writer& w, char field, std::string_view text) {
  w.u8(static_cast<std::uint8_t>(field));
  w.cstring(cut(text));
}

void append_report(std::string& out, server_type type, const error_report& report) {
  message_writer w(out, type);
  put_field(w, 'S', report.severity);
  put_field(w, 'V', report.severity);
  put_field(w, 'C', code(report.code));
  put_field(w, 'M', report.message.empty() ? sentence(report.code) : report.message);
  if (!report.detail.empty()) put_field(w, 'D', report.detail);
  if (!report.hint.empty()) put_field(w, 'H', report.hint);
  if (!report.routine.empty()) put_field(w, 'R', report.routine);
  w.u8(0);
  w.finish_small();
}

}  // namespace

void append_authentication_ok(std::string& out) {
  authentication(out, auth_kind::ok).finish_small();
}

void append_authentication_cleartext_password(std::string& out) {
  authentication(out, auth_kind::cleartext_password).finish_small();
}

void append_authentication_md5_password(std::string& out, const std::array<char, 4>& salt) {
  auto w = authentication(out, auth_kind::md5_password);
  w.bytes({salt.data(), salt.size()});
  w.finish_small();
}

void append_authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms) {
  auto w = authentication(out, auth_kind::sasl);
  for (const auto m : mechanisms)
    if (!m.empty()) w.cstring(m);
  w.u8(0);
  w.finish_small();
}

void append_authentication_sasl_continue(std::string& out, std::string_view challenge) {
  auto w = authentication(out, auth_kind::sasl_continue);
  w.bytes(challenge);
  w.finish_small();
}

void append_authentication_sasl_final(std::string& out, std::string_view outcome) {
  auto w = authentication(out, auth_kind::sasl_final);
  w.bytes(outcome);
  w.finish_small();
}

void append_parameter_status(std::string& out, std::string_view name, std::string_view value) {
  message_writer w(out, server_type::parameter_status);
  w.cstring(name);
  w.cstring(value);
  w.finish_small();
}

void append_backend_key_data(std::string& out, backend_key key) {
  message_writer w(out, server_type::backend_key_data);
  w.u32(key.pid);
  w.u32(key.secret);
  w.finish_small();
}

void append_ready_for_query(std::string& out, transaction_status status) {
  message_writer w(out, server_type::ready_for_query);
  w.u8(static_cast<std::uint8_t>(status));
  w.finish_small();
}

bool append_row_description(std::string& out, std::span<const column_view> columns) {
  message_writer w(out, server_type::row_description);
  w.count(columns.size());
  for (const auto& c : columns) {
    w.cstring(c.name);
    w.u32(c.table);
    w.u16(c.attribute);
    w.u32(c.type);
    w.i16(c.type_size);
    w.i32(c.type_modifier);
    w.i16(c.format);
  }
  return w.finish();
}

bool append_data_row(std::string& out, std::span<const value_view> values) {
  message_writer w(out, server_type::data_row);
  w.count(values.size());
  for (const auto& v : values) w.value(v);
  return w.finish();
}

void append_command_complete(std::string& out, std::string_view tag) {
  message_writer w(out, server_type::command_complete);
  w.cstring(tag);
  w.finish_small();
}

void append_error(std::string& out, const error_report& report) {
  append_report(out, server_type::error_response, report);
}

void append_notice(std::string& out, const error_report& report) {
  append_report(out, server_type::notice_response, report);
}

void append_parse_complete(std::string& out) { append_bare(out, server_type::parse_complete); }

void append_bind_complete(std::string& out) { append_bare(out, server_type::bind_complete); }

void append_close_complete(std::string& out) { append_bare(out, server_type::close_complete); }

void append_no_data(std::string& out) { append_bare(out, server_type::no_data); }

void append_empty_query_response(std::string& out) {
  append_bare(out, server_type::empty_query_response);
}

void append_portal_suspended(std::string& out) { append_bare(out, server_type::portal_suspended); }

bool append_parameter_description(std::string& out, std::span<const std::uint32_t> types) {
  message_writer w(out, server_type::parameter_description);
  w.count(types.size());
  for (const auto oid : types) w.u32(oid);
  return w.finish();
}

bool append_notification(std::string& out, const notification_view& notification) {
  message_writer w(out, server_type::notification_response);
  w.u32(notification.pid);
  w.cstring(notification.channel);
  w.cstring(notification.payload);
  return w.finish();
}

}  // namespace fairing::codec::pgwire
