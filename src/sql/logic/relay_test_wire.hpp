// relay_test_wire: messages as texts, for tests of the relay.
//
// Flow:  c.send(P("s1", "SELECT 1") + S());   EXPECT_EQ(c.to_server, P("fairing_1", "SELECT 1") + S());
// Upper-case letters are the client's messages, as the protocol calls them; words are the server's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_writer.hpp"

namespace fairing::sql::wire {

namespace pg = codec::pgwire;
using pg::sqlstate;

inline std::string P(std::string_view name, std::string_view sql,
                     std::vector<std::uint32_t> types = {}) {
  std::string out;
  static_cast<void>(pg::append_parse(out, name, sql, types));
  return out;
}
inline std::string B(std::string_view portal, std::string_view statement,
                     std::optional<std::string> value = {}) {
  std::string out;
  std::vector<pg::value_view> values;
  if (value) values.push_back({*value, false});
  static_cast<void>(
      pg::append_bind(out, {.portal = portal, .statement = statement, .parameters = values}));
  return out;
}
inline std::string D(std::string_view name, pg::target_kind kind = pg::target_kind::statement) {
  std::string out;
  pg::append_describe(out, kind, name);
  return out;
}
inline std::string C(std::string_view name, pg::target_kind kind = pg::target_kind::statement) {
  std::string out;
  pg::append_close(out, kind, name);
  return out;
}
inline std::string E(std::string_view portal = "", std::int32_t rows = 0) {
  std::string out;
  pg::append_execute(out, portal, rows);
  return out;
}
inline std::string S() {
  std::string out;
  pg::append_sync(out);
  return out;
}
inline std::string H() {
  std::string out;
  pg::append_flush(out);
  return out;
}
inline std::string Q(std::string_view sql) {
  std::string out;
  static_cast<void>(pg::append_query(out, sql));
  return out;
}
inline std::string copy_data(std::string_view data) {
  std::string out;
  static_cast<void>(pg::append_copy_data_to_server(out, data));
  return out;
}
inline std::string copy_done() {
  std::string out;
  pg::append_copy_done_to_server(out);
  return out;
}
inline std::string copy_fail(std::string_view why) {
  std::string out;
  pg::append_copy_fail(out, why);
  return out;
}

// A message of the server's by its type and body.
inline std::string raw(char type, std::string_view body = {}) {
  std::string out(5, type);
  pg::store_u32(out.data() + 1, static_cast<std::uint32_t>(body.size() + 4));
  return out.append(body);
}
inline std::string parsed() { return raw('1'); }
inline std::string bound() { return raw('2'); }
inline std::string closed() { return raw('3'); }
inline std::string no_data() { return raw('n'); }
inline std::string copy_in() { return raw('G', std::string_view("\0\0\0", 3)); }
inline std::string copy_out() { return raw('H', std::string_view("\0\0\0", 3)); }
inline std::string complete(std::string_view tag) {
  std::string out;
  pg::append_command_complete(out, tag);
  return out;
}
inline std::string ready(char status = 'I') { return raw('Z', std::string_view(&status, 1)); }
inline std::string row(const std::vector<std::string>& values) {
  std::string out;
  std::vector<pg::value_view> views;
  for (const auto& v : values) views.push_back({v, false});
  static_cast<void>(pg::append_data_row(out, views));
  return out;
}
inline std::string columns(const std::vector<std::string>& names, std::uint32_t table = 0) {
  std::string out;
  std::vector<pg::column_view> views;
  for (const auto& n : names) views.push_back({.name = n, .table = table, .type = 25});
  static_cast<void>(pg::append_row_description(out, views));
  return out;
}
inline std::string parameters(const std::vector<std::uint32_t>& types = {}) {
  std::string out;
  static_cast<void>(pg::append_parameter_description(out, types));
  return out;
}
// With what PostgreSQL's own have: severity twice, a code, a message.
inline std::string error(std::string_view code, std::string_view message,
                         std::string_view severity = "ERROR", std::string_view context = {}) {
  std::string body;
  const auto field = [&](char c, std::string_view v) {
    body += c;
    body += v;
    body += '\0';
  };
  field('S', severity);
  field('V', severity);
  field('C', code);
  field('M', message);
  if (!context.empty()) field('W', context);
  body += '\0';
  return raw('E', body);
}
inline std::string status(std::string_view name, std::string_view value) {
  std::string out;
  pg::append_parameter_status(out, name, value);
  return out;
}
inline std::string notice(std::string_view text) {
  std::string out;
  pg::append_notice(out, {.severity = "NOTICE", .message = text});
  return out;
}
inline std::string ours(sqlstate code, std::string_view message, std::string_view hint = {},
                        std::string_view severity = "ERROR") {
  std::string out;
  pg::append_error(out, {.code = code, .severity = severity, .message = message, .hint = hint});
  return out;
}
// PostgreSQL's, as drivers know it.
inline std::string cached_plan(std::string_view detail = {}) {
  std::string out;
  pg::append_error(out, {.code = sqlstate::feature_not_supported,
                         .message = "cached plan must not change result type",
                         .detail = detail,
                         .routine = "RevalidateCachedQuery"});
  return out;
}

}  // namespace fairing::sql::wire
