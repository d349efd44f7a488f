#include "http/logic/range.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

std::string text(std::string_view value, std::uint64_t size = 100) {
  const auto set = parse_ranges(value, size);
  if (set.use == range_use::whole) return "whole";
  if (set.use == range_use::unsatisfiable) return "416";
  std::string out;
  for (const auto& r : set.parts())
    out += std::to_string(r.first) + "-" + std::to_string(r.last) + " ";
  return out;
}

TEST(range, single) {
  EXPECT_EQ(text("bytes=0-1"), "0-1 ");
  EXPECT_EQ(text("Bytes=1-"), "1-99 ");
  EXPECT_EQ(text("bytes=-1"), "99-99 ");
  EXPECT_EQ(text("bytes=-1000"), "0-99 ");
  EXPECT_EQ(text("bytes=90-18446744073709551615"), "90-99 ");
  EXPECT_EQ(text("bytes=100-"), "416");
  EXPECT_EQ(text("bytes=-0"), "416");
  EXPECT_EQ(text("bytes=0-", 0), "416");
}

TEST(range, ignored) {
  for (const auto* v : {"", "bytes", "bytes=", "lines=0-1", "bytes=a-b", "bytes=5-2", "bytes=-",
                        "bytes=1-2,x", "bytes=--1", "bytes=0-99999999999999999999"})
    EXPECT_EQ(text(v), "whole") << v;
}

TEST(range, several_are_sorted_and_merged) {
  EXPECT_EQ(text("bytes=50-59, 0-1"), "0-1 50-59 ");
  EXPECT_EQ(text("bytes=0-9,10-19,5-15"), "0-19 ");
  EXPECT_EQ(text("bytes=0-1,4-5,2-3"), "0-5 ");
  EXPECT_EQ(text("bytes=0-0,200-300"), "0-0 ");
  EXPECT_EQ(text("bytes=0-,0-,0-,0-"), "0-99 ");
  std::string eight = "bytes=0-0";
  for (int i = 1; i < 8; ++i) eight += "," + std::to_string(i * 10) + "-" + std::to_string(i * 10);
  EXPECT_EQ(parse_ranges(eight, 100).count, 8u);
  EXPECT_EQ(text(eight + ",95-95"), "whole");
  std::string attack = "bytes=0-0";
  for (int i = 0; i < 100; ++i) attack += ",0-0";
  EXPECT_EQ(text(attack), "whole");
}

TEST(range, of_a_request) {
  const validators stored{.etag = "\"1\"", .last_modified = {}, .date = {}};
  const auto asked = [&](std::string_view fields, std::string_view line = "GET /a") {
    return asked_ranges(test::request(fields, line).head, stored, 100);
  };
  EXPECT_EQ(asked("").use, range_use::whole);
  EXPECT_EQ(asked("Range: bytes=5-9\r\n").ranges[0], (byte_range{5, 9}));
  EXPECT_EQ(asked("Range: bytes=5-9\r\nIf-Range: \"1\"\r\n").use, range_use::parts);
  EXPECT_EQ(asked("Range: bytes=5-9\r\nIf-Range: \"2\"\r\n").use, range_use::whole);
  EXPECT_EQ(asked("Range: bytes=100-\r\n").use, range_use::unsatisfiable);
  EXPECT_EQ(asked("Range: bytes=100-\r\nIf-Range: \"2\"\r\n").use, range_use::whole);
  EXPECT_EQ(asked("Range: bytes=5-9\r\n", "HEAD /a").use, range_use::whole);
}

TEST(range, heads) {
  std::string out;
  append_content_range(out, {0, 4}, 10);
  append_unsatisfied_range(out, 10);
  EXPECT_EQ(out, "Content-Range: bytes 0-4/10\r\nContent-Range: bytes */10\r\n");
  const auto set = parse_ranges("bytes=0-1,5-6", 10);
  const auto b = make_boundary(0x0123456789abcdef);
  const std::string_view boundary{b.data(), b.size()};
  const std::string body = "0123456789";
  std::string whole;
  for (const auto& r : set.parts()) {
    append_part_head(whole, boundary, "text/plain", r, body.size());
    whole.append(body, r.first, r.size());
  }
  append_parts_end(whole, boundary);
  EXPECT_EQ(whole.size(), multipart_size(set, boundary, "text/plain", body.size()));
  EXPECT_EQ(boundary, "fairing-fedcba9876543210");
  EXPECT_TRUE(
      whole.starts_with("\r\n--fairing-fedcba9876543210\r\nContent-Type: "
                        "text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--"));
}

}  // namespace
}  // namespace fairing::http
