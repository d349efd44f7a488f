// test_heads: heads for unit tests, parsed from text as they would be from the wire.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "codec/http1/parser.hpp"

namespace fairing::http::test {

namespace http1 = codec::http1;

// Owns the bytes that the head's views point into.
template <class Head>
struct owned_head {
  std::unique_ptr<std::string> bytes;
  Head head;
};
using owned_request = owned_head<http1::request_head>;
using owned_response = owned_head<http1::response_head>;

// `fields`: "Name: value\r\n..." ; a Host is added.
inline owned_request request(std::string_view fields = {}, std::string_view line = "GET /a") {
  owned_request out;
  out.bytes = std::make_unique<std::string>();
  out.bytes->append(line)
      .append(" HTTP/1.1\r\nHost: Example.com\r\n")
      .append(fields)
      .append("\r\n");
  http1::head_parser parser;
  EXPECT_EQ(parser.parse_request(*out.bytes, out.head), http1::parse_status::complete)
      << *out.bytes;
  return out;
}

inline owned_response response(std::string_view fields = {}, std::string_view status = "200 OK") {
  owned_response out;
  out.bytes = std::make_unique<std::string>();
  out.bytes->append("HTTP/1.1 ").append(status).append("\r\n").append(fields).append("\r\n");
  http1::head_parser parser;
  EXPECT_EQ(parser.parse_response(*out.bytes, http1::method::get, out.head),
            http1::parse_status::complete)
      << *out.bytes;
  return out;
}

}  // namespace fairing::http::test
