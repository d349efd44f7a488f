// sqlcommenter comments: read strictly, dropped exactly; other comments stay.
#include "codec/sql_lexer/comment.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::codec::sql_lexer {
namespace {

constexpr std::string_view tp =
    "traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'";

std::string comment(std::string_view inside) { return "/*" + std::string(inside) + "*/"; }

std::string key_of(const std::string& sql) {
  const auto c = read_trace_comment(sql);
  EXPECT_EQ(text_without(sql, c), std::string(c.piece(sql, 0)) + std::string(c.piece(sql, 1)));
  return text_without(sql, c);
}

TEST(trace_comment, is_read_at_either_end) {
  for (const std::string& sql : {"SELECT 1 " + comment(tp), comment(tp) + "SELECT 1",
                                 "SELECT 1" + comment(tp) + " ;\n", "SELECT 1;" + comment(tp)}) {
    const auto c = read_trace_comment(sql);
    EXPECT_TRUE(c.has_trace && c.sampled) << sql;
    EXPECT_EQ(c.trace(), "5bd66ef5095369c7b0d1f8f4bd33716a") << sql;
    EXPECT_EQ(c.span(), "c532cb4098ac3dd2") << sql;
  }
}

TEST(trace_comment, route) {
  std::string route;
  std::string sql =
      "SELECT 1 " + comment("route='%2Fusers%2F%3Aid', db_driver='x'," + std::string(tp));
  EXPECT_TRUE(route_of(sql, read_trace_comment(sql), route));
  EXPECT_EQ(route, "/users/:id");
  sql = "SELECT 1 " + comment("route='a\\'b%'");
  EXPECT_TRUE(route_of(sql, read_trace_comment(sql), route));
  EXPECT_EQ(route, "a'b%");
  for (const auto& value : {std::string(), std::string("a%0Ab"), std::string(300, 'a')}) {
    sql = "SELECT 1 " + comment("route='" + value + "'");
    EXPECT_FALSE(route_of(sql, read_trace_comment(sql), route)) << sql;
    EXPECT_EQ(route, "");
  }
}

TEST(trace_comment, is_dropped) {
  EXPECT_EQ(key_of("SELECT 1 " + comment(tp)), "SELECT 1");
  EXPECT_EQ(key_of("SELECT 1 " + comment(tp) + ";"), "SELECT 1;");
  EXPECT_EQ(key_of("SELECT 1; " + comment(tp)), "SELECT 1;");
  EXPECT_EQ(key_of(" " + comment(tp) + "\n SELECT 1 " + comment("a='b'")), "SELECT 1");
  EXPECT_EQ(key_of("SELECT 1 /* x */ " + comment(tp)), "SELECT 1 /* x */");
}

TEST(trace_comment, leaves_everything_else) {
  const std::vector<std::string> texts = {"SELECT 1",
                                          "",
                                          "SELECT 1 /* hello */",
                                          "/*+ SeqScan(a) */ SELECT 1",
                                          "SELECT '" + comment(tp) + "'",
                                          "SELECT 1 -- " + comment(tp),
                                          "SELECT 1 " + comment(tp) + " + 2",
                                          comment(tp),
                                          "SELECT 'a " + comment(tp),
                                          "SELECT 1 /*a='b*/",
                                          "SELECT 1 /*a='b',*/",
                                          "SELECT 1 /*a=b*/",
                                          "SELECT 1 /*='b'*/",
                                          "SELECT 1 /*a='b' c='d'*/",
                                          "SELECT 1 /**/"};
  for (const auto& sql : texts) {
    const auto c = read_trace_comment(sql);
    EXPECT_FALSE(c.found() || c.has_trace) << sql;
    EXPECT_EQ(text_without(sql, c), sql);
  }
}

TEST(trace_comment, refuses_bad_traceparents) {
  for (const std::string_view bad :
       {"00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-0", "00-0-0-01",
        "ff-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01",
        "00-00000000000000000000000000000000-c532cb4098ac3dd2-01",
        "00-5bd66ef5095369c7b0d1f8f4bd33716a-0000000000000000-01",
        "00-5BD66EF5095369C7B0D1F8F4BD33716A-c532cb4098ac3dd2-01",
        "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01-x"}) {
    const auto sql = "SELECT 1 " + comment("traceparent='" + std::string(bad) + "'");
    EXPECT_FALSE(read_trace_comment(sql).has_trace) << bad;
    EXPECT_EQ(key_of(sql), "SELECT 1");
  }
}

TEST(trace_comment, survives_every_prefix) {
  const auto sql = comment(tp) + " SELECT 1 " + comment("route='%2F',a='\\''");
  std::string route;
  for (std::size_t n = 0; n <= sql.size(); ++n) {
    const std::string prefix = sql.substr(0, n);
    const auto c = read_trace_comment(prefix);
    EXPECT_LE(text_without(prefix, c).size(), n);
    static_cast<void>(route_of(prefix, c, route));
  }
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
