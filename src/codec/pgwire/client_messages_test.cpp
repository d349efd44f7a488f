#include "codec/pgwire/client_messages.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/frame_scanner.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// The body of the one message in `bytes`, which the scanner takes whole.
std::string body_of(const std::string& bytes, client_type type) {
  frame_scanner scanner(direction::from_client);
  frame f;
  EXPECT_TRUE(scanner.next(bytes, f)) << scanner.describe_error();
  EXPECT_EQ(f.client(), type);
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
  EXPECT_EQ(read(body + '\0').error(), errc::trailing_bytes);
}

TEST(client_messages, query) {
  std::string out;
  ASSERT_TRUE(append_query(out, "select 1"));
  EXPECT_EQ(out, "Q\0\0\0\x0dselect 1\0"s);
  const auto body = body_of(out, client_type::query);
  EXPECT_EQ(read_query(body), "select 1");
  expect_exact(body, read_query);
  EXPECT_EQ(read_query("select 1").error(), errc::missing_terminator);
  EXPECT_EQ(read_query("select\0 1\0"sv).error(), errc::trailing_bytes);
  EXPECT_EQ(read_query("\0"sv), "");
}

TEST(client_messages, parse) {
  std::string out;
  ASSERT_TRUE(append_parse(out, "s1", "select $1", std::array<std::uint32_t, 2>{23, 0}));
  EXPECT_EQ(out, "P\0\0\0\x1bs1\0select $1\0\0\2\0\0\0\x17\0\0\0\0"s);
  const auto body = body_of(out, client_type::parse);
  const auto view = read_parse(body);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->name, "s1");
  EXPECT_EQ(view->sql, "select $1");
  ASSERT_EQ(view->parameter_types.size(), 2U);
  EXPECT_EQ(view->parameter_types.begin()->oid, 23U);
  expect_exact(body, read_parse);
  std::string again;
  ASSERT_TRUE(append_parse(again, view->name, view->sql, view->parameter_types));
  EXPECT_EQ(again, out);
  EXPECT_EQ(read_parse("s\0q\0\xff\xff\0\0\0\1"sv).error(), errc::truncated);
}

TEST(client_messages, bind) {
  std::string out;
  const std::array<value_view, 4> values{
      value_view{"1", false}, {{}, true}, {"", false}, {"a\0b"sv, false}};
  const std::array<std::int16_t, 4> formats{0, 1, 0, 1};
  const std::array<std::int16_t, 1> results{1};
  ASSERT_TRUE(append_bind(out, {"p", "s1", formats, values, results}));
  const auto body = body_of(out, client_type::bind);
  const auto view = read_bind(body);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->portal, "p");
  EXPECT_EQ(view->statement, "s1");
  EXPECT_EQ(view->parameter_formats.of(3), 1);
  EXPECT_FALSE(view->parameter_formats.all_text());
  EXPECT_EQ(view->result_formats.of(9), 1);
  EXPECT_TRUE(std::equal(values.begin(), values.end(), view->parameters.begin()));
  expect_exact(body, read_bind);
}

TEST(client_messages, bind_with_lies) {
  EXPECT_EQ(read_bind("\0s\0\0\0\xff\xff\0\0\0\1x\0\0"sv).error(), errc::truncated);
  EXPECT_EQ(read_bind("\0s\0\0\0\0\1\x7f\xff\xff\xffx\0\0"sv).error(), errc::truncated);
  EXPECT_EQ(read_bind("\0s\0\0\0\0\1\xff\xff\xff\xfe\0\0"sv).error(), errc::bad_value_length);
  EXPECT_EQ(read_bind("\0s\0\0\0\0\1\x80\0\0\0\0\0"sv).error(), errc::bad_value_length);
  EXPECT_EQ(read_bind("\0s\0\0\2\0\0\0\0\0\1\0\0\0\1x\0\0"sv).error(), errc::format_count);
  EXPECT_EQ(read_bind("\0s\0\0\1\0\2\0\1\0\0\0\1x\0\0"sv).error(), errc::bad_format_code);
  EXPECT_EQ(read_bind("\0s\0\0\0\0\0\0\1\xff\xff"sv).error(), errc::bad_format_code);
  EXPECT_TRUE(read_bind("\0\0\0\0\0\0\0\0"sv));
  EXPECT_EQ(read_bind("no terminator").error(), errc::missing_terminator);
  EXPECT_EQ(read_bind("").error(), errc::missing_terminator);
}

TEST(client_messages, describe_close_execute) {
  std::string out;
  append_describe(out, target_kind::statement, "s1");
  EXPECT_EQ(out, "D\0\0\0\x08Ss1\0"s);
  auto body = body_of(out, client_type::describe);
  EXPECT_EQ(read_describe(body)->kind, target_kind::statement);
  EXPECT_EQ(read_describe(body)->name, "s1");
  expect_exact(body, read_describe);
  EXPECT_EQ(read_describe("Xs1\0"sv).error(), errc::bad_kind);
  out.clear();
  append_close(out, target_kind::portal, "");
  body = body_of(out, client_type::close);
  EXPECT_EQ(read_close(body)->kind, target_kind::portal);
  expect_exact(body, read_close);
  out.clear();
  append_execute(out, "c", 100);
  body = body_of(out, client_type::execute);
  EXPECT_EQ(read_execute(body)->portal, "c");
  EXPECT_EQ(read_execute(body)->max_rows, 100);
  expect_exact(body, read_execute);
}

TEST(client_messages, function_call) {
  std::string out;
  const std::array<value_view, 2> values{value_view{"\0\0\0\7"sv, false}, {{}, true}};
  const std::array<std::int16_t, 1> formats{1};
  ASSERT_TRUE(append_function_call(out, {1598, formats, values, 1}));
  const auto body = body_of(out, client_type::function_call);
  const auto view = read_function_call(body);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->function, 1598U);
  EXPECT_EQ(view->arguments.size(), 2U);
  EXPECT_EQ(view->argument_formats.of(1), 1);
  EXPECT_EQ(view->result_format, 1);
  expect_exact(body, read_function_call);
}

TEST(client_messages, passwords) {
  std::string out;
  append_password(out, "md5abc");
  auto body = body_of(out, client_type::password);
  EXPECT_EQ(read_password(body), "md5abc");
  expect_exact(body, read_password);
  out.clear();
  append_sasl_initial_response(out, "SCRAM-SHA-256", {"n,,n=,r=x", false});
  body = body_of(out, client_type::password);
  EXPECT_EQ(read_sasl_initial_response(body)->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(read_sasl_initial_response(body)->data, (value_view{"n,,n=,r=x", false}));
  expect_exact(body, read_sasl_initial_response);
  out.clear();
  append_sasl_initial_response(out, "X", {{}, true});
  EXPECT_TRUE(read_sasl_initial_response(body_of(out, client_type::password))->data.null);
  out.clear();
  append_sasl_response(out, "c=biws");
  EXPECT_EQ(body_of(out, client_type::password), "c=biws");
}

TEST(client_messages, those_without_a_body_and_copy) {
  std::string out;
  append_sync(out);
  append_flush(out);
  append_copy_done_to_server(out);
  append_terminate(out);
  EXPECT_EQ(out, "S\0\0\0\4H\0\0\0\4c\0\0\0\4X\0\0\0\4"s);
  EXPECT_EQ(check_empty(""), errc::ok);
  EXPECT_EQ(check_empty("x"), errc::trailing_bytes);
  out.clear();
  ASSERT_TRUE(append_copy_data_to_server(out, "a\tb\n"));
  EXPECT_EQ(body_of(out, client_type::copy_data), "a\tb\n");
  out.clear();
  append_copy_fail(out, "no more");
  const auto body = body_of(out, client_type::copy_fail);
  EXPECT_EQ(read_copy_fail(body), "no more");
  expect_exact(body, read_copy_fail);
}

TEST(client_writer, takes_back_what_does_not_fit) {
  std::string out = "kept";
  const std::vector<value_view> many(65'536, value_view{{}, true});
  EXPECT_FALSE(append_bind(out, {.parameters = many}));
  EXPECT_EQ(out, "kept");
  // Not read: only its length counts.
  const std::string_view huge(out.data(), std::size_t{max_message_length} + 1);
  EXPECT_FALSE(append_copy_data_to_server(out, huge));
  const std::array<value_view, 1> value{value_view{huge, false}};
  EXPECT_FALSE(append_bind(out, {.parameters = value}));
  EXPECT_EQ(out, "kept");
  ASSERT_TRUE(append_query(out, "cut\0here"sv));
  EXPECT_EQ(out, "keptQ\0\0\0\x08"s + "cut\0"s);
}

}  // namespace
}  // namespace fairing::codec::pgwire
