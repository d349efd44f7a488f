#include "codec/pgwire/server_messages.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "codec/pgwire/frame_scanner.hpp"
#include "codec/pgwire/server_writer.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string body_of(const std::string& bytes, server_type type) {
  frame_scanner scanner(direction::from_server);
  frame f;
  EXPECT_TRUE(scanner.next(bytes, f)) << scanner.describe_error();
  EXPECT_EQ(f.server(), type);
  EXPECT_TRUE(f.whole());
  EXPECT_EQ(f.bytes.size(), bytes.size());
  return bytes.substr(header_bytes);
}

// Cut anywhere the body is refused, with a byte more as well; nothing beyond it is read.
template <class Read>
void expect_exact(const std::string& body, Read read) {
  for (std::size_t n = 0; n < body.size(); ++n) {
    const auto exact = std::make_unique<char[]>(n);
    if (n != 0) std::memcpy(exact.get(), body.data(), n);
    EXPECT_FALSE(read(std::string_view(exact.get(), n))) << n;
  }
  ASSERT_TRUE(read(body));
  EXPECT_EQ(read(body + "x").error(), errc::trailing_bytes);
}

TEST(server_messages, authentication) {
  std::string out;
  append_authentication_ok(out);
  EXPECT_EQ(out, "R\0\0\0\x08\0\0\0\0"s);
  expect_exact(body_of(out, server_type::authentication), read_authentication);
  out.clear();
  append_authentication_cleartext_password(out);
  EXPECT_EQ(read_authentication(out.substr(5))->kind, auth_kind::cleartext_password);
  out.clear();
  append_authentication_md5_password(out, {'a', '\0', 'c', 'd'});
  auto body = body_of(out, server_type::authentication);
  EXPECT_EQ(read_authentication(body)->salt, (std::array{'a', '\0', 'c', 'd'}));
  expect_exact(body, read_authentication);
  out.clear();
  append_authentication_sasl(
      out, std::array<std::string_view, 2>{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
  body = body_of(out, server_type::authentication);
  const auto sasl = read_authentication(body);
  ASSERT_TRUE(sasl);
  EXPECT_EQ(sasl->mechanisms.size(), 2U);
  EXPECT_TRUE(sasl->offers("SCRAM-SHA-256"));
  EXPECT_FALSE(sasl->offers("SCRAM"));
  expect_exact(body, read_authentication);
  out.clear();
  append_authentication_sasl_continue(out, "r=1,s=2,i=4096");
  EXPECT_EQ(read_authentication(out.substr(5))->data, "r=1,s=2,i=4096");
  out.clear();
  append_authentication_sasl_final(out, "v=x");
  EXPECT_EQ(read_authentication(out.substr(5))->kind, auth_kind::sasl_final);
  for (const char code : {'\x02', '\x06', '\x07', '\x08', '\x09'})
    EXPECT_TRUE(read_authentication("\0\0\0"s + code)) << int{code};
  EXPECT_EQ(read_authentication("\0\0\0\1"sv).error(), errc::bad_authentication);
  EXPECT_EQ(read_authentication("\0\0\0\x0d"sv).error(), errc::bad_authentication);
  EXPECT_EQ(read_authentication("\xff\0\0\0"sv).error(), errc::bad_authentication);
}

TEST(server_messages, status_and_key) {
  std::string out;
  append_parameter_status(out, "TimeZone", "UTC");
  auto body = body_of(out, server_type::parameter_status);
  EXPECT_EQ(read_parameter_status(body)->value, "UTC");
  expect_exact(body, read_parameter_status);
  out.clear();
  append_backend_key_data(out, {1, 0xfffffffe});
  body = body_of(out, server_type::backend_key_data);
  EXPECT_EQ(read_backend_key_data(body), (backend_key{1, 0xfffffffe}));
  expect_exact(body, read_backend_key_data);
  out.clear();
  append_ready_for_query(out, transaction_status::failed);
  body = body_of(out, server_type::ready_for_query);
  EXPECT_EQ(read_ready_for_query(body), transaction_status::failed);
  expect_exact(body, read_ready_for_query);
  EXPECT_EQ(read_ready_for_query("i").error(), errc::bad_status);
}

TEST(server_messages, rows) {
  std::string out;
  const std::array<column_view, 2> columns{column_view{"id", 16384, 1, 23, 4, -1, 0},
                                           column_view{"", 0, 0, 25, -1, 68, 1}};
  ASSERT_TRUE(append_row_description(out, columns));
  auto body = body_of(out, server_type::row_description);
  const auto described = read_row_description(body);
  ASSERT_TRUE(described);
  EXPECT_TRUE(std::equal(columns.begin(), columns.end(), described->begin()));
  EXPECT_EQ(described->size(), 2U);
  expect_exact(body, read_row_description);
  EXPECT_EQ(read_row_description("\xff\xff"sv).error(), errc::missing_terminator);
  auto bad = body;
  bad.back() = 2;
  EXPECT_EQ(read_row_description(bad).error(), errc::bad_format_code);

  out.clear();
  const std::array<value_view, 3> values{value_view{"1", false}, {{}, true}, {"", false}};
  ASSERT_TRUE(append_data_row(out, values));
  EXPECT_EQ(out,
            "D\0\0\0\x13\0\3\0\0\0\1"
            "1\xff\xff\xff\xff\0\0\0\0"s);
  body = body_of(out, server_type::data_row);
  const auto row = read_data_row(body);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->size(), 3U);
  EXPECT_TRUE(std::equal(values.begin(), values.end(), row->begin()));
  expect_exact(body, read_data_row);
  EXPECT_EQ(read_data_row("\xff\xff\0\0\0\0"sv).error(), errc::truncated);
  EXPECT_EQ(read_data_row("\0\1\x80\0\0\0"sv).error(), errc::bad_value_length);
  EXPECT_TRUE(read_data_row("\0\0"sv)->empty());
}

TEST(server_messages, command_complete) {
  std::string out;
  append_command_complete(out, "INSERT 0 12");
  const auto body = body_of(out, server_type::command_complete);
  expect_exact(body, read_command_complete);
  const auto rows = [](std::string_view tag) {
    return read_command_complete(std::string(tag) + '\0').value().rows;
  };
  EXPECT_EQ(rows("INSERT 0 12"), 12U);
  EXPECT_EQ(rows("SELECT 0"), 0U);
  EXPECT_EQ(rows("SELECT 18446744073709551615"), 18446744073709551615U);
  EXPECT_EQ(rows("COPY 5"), 5U);
  EXPECT_EQ(rows("MERGE 1"), 1U);
  for (const auto* tag : {"BEGIN", "CREATE TABLE", "SELECT", "COPY", "SELECT x", "SELECT -1", "",
                          "SELECT 18446744073709551616", "SELECT 1 ", "PREPARE TRANSACTION 5"})
    EXPECT_EQ(rows(tag), std::nullopt) << tag;
  EXPECT_EQ(read_command_complete(body)->command(), "INSERT");
  EXPECT_EQ(read_command_complete("CREATE TABLE\0"sv)->command(), "CREATE");
}

TEST(server_messages, errors_written_and_read) {
  std::string out;
  append_error(out, {.code = sqlstate::too_many_connections,
                     .severity = "FATAL",
                     .detail = "64 clients wait",
                     .hint = "raise sql.pool.size"});
  const auto body = body_of(out, server_type::error_response);
  EXPECT_EQ(body,
            "SFATAL\0VFATAL\0C53300\0Mtoo many connections\0D64 clients wait\0"
            "Hraise sql.pool.size\0\0"s);
  const auto e = read_error(body);
  ASSERT_TRUE(e);
  EXPECT_TRUE(e->fatal());
  EXPECT_EQ(e->sqlstate, "53300");
  EXPECT_EQ(e->hint, "raise sql.pool.size");
  EXPECT_EQ(e->fields.size(), 6U);
  expect_exact(body, read_error);
  out.clear();
  append_notice(out, {.code = sqlstate::warning, .severity = "WARNING", .message = "a\0b"sv});
  EXPECT_EQ(read_error(body_of(out, server_type::notice_response))->message, "a");
  out.clear();
  append_error(out, {.message = std::string(8191, 'x') + "\xc3\xa9" + std::string(5000, 'x')});
  EXPECT_EQ(read_error(out.substr(5))->message, std::string(8191, 'x'));
}

TEST(server_messages, errors_with_missing_or_odd_fields) {
  const auto missing = read_error("SERROR\0Mno code\0\0"sv);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->sqlstate, "");
  EXPECT_EQ(missing->severity, "ERROR");
  EXPECT_EQ(missing->message, "no code");
  EXPECT_EQ(read_error("C4200\0\0"sv)->sqlstate, "");
  EXPECT_EQ(read_error("C\0\0"sv)->sqlstate, "");
  EXPECT_EQ(read_error("SFEHLER\0VERROR\0\0"sv)->severity, "ERROR");
  EXPECT_EQ(read_error("\0"sv)->fields.size(), 0U);
  EXPECT_EQ(read_error("q?\0C00000\0\0"sv)->find('q'), "?");
  EXPECT_EQ(read_error("Ma\0Mb\0\0"sv)->message, "a");
  EXPECT_EQ(read_error("").error(), errc::missing_terminator);
  EXPECT_EQ(read_error("Ma\0"sv).error(), errc::missing_terminator);
  EXPECT_EQ(read_error("Ma").error(), errc::missing_terminator);
  EXPECT_EQ(read_error("Ma\0\0Mb\0\0"sv).error(), errc::trailing_bytes);
}

TEST(server_messages, the_others) {
  std::string out;
  ASSERT_TRUE(append_parameter_description(out, std::array<std::uint32_t, 2>{23, 25}));
  auto body = body_of(out, server_type::parameter_description);
  EXPECT_EQ(read_parameter_description(body)->size(), 2U);
  expect_exact(body, read_parameter_description);
  out.clear();
  ASSERT_TRUE(append_notification(out, {7, "ch", "payload"}));
  body = body_of(out, server_type::notification_response);
  EXPECT_EQ(read_notification(body)->payload, "payload");
  expect_exact(body, read_notification);
  const auto copy = "\1\0\2\0\1\0\1"s;
  EXPECT_EQ(read_copy_response(copy)->column_formats.of(1), 1);
  expect_exact(copy, read_copy_response);
  EXPECT_EQ(read_copy_response("\2\0\0"sv).error(), errc::bad_format_code);
  EXPECT_EQ(read_function_call_response("\0\0\0\1x"sv), (value_view{"x", false}));
  expect_exact("\0\0\0\1x"s, read_function_call_response);
  expect_exact("\0\3\0\0\0\0\0\2a\0b\0"s, read_negotiate_protocol_version);
  EXPECT_FALSE(
      read_negotiate_protocol_version("\0\3\0\0\xff\xff\xff\xff"
                                      "a\0"sv));
  out.clear();
  append_parse_complete(out);
  append_bind_complete(out);
  append_close_complete(out);
  append_no_data(out);
  append_empty_query_response(out);
  append_portal_suspended(out);
  frame_scanner scanner(direction::from_server);
  EXPECT_EQ(scanner.scan(out).messages, 6U);
  EXPECT_EQ(out,
            "1\0\0\0\4"
            "2\0\0\0\4"
            "3\0\0\0\4n\0\0\0\4I\0\0\0\4s\0\0\0\4"s);
}

}  // namespace
}  // namespace fairing::codec::pgwire
