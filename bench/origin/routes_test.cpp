#include "bench/origin/routes.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace fairing::bench {
namespace {

routed_answer get(routes& all, std::string_view path, std::string_view query = {},
                  bool gzip = false) {
  scanned_request request;
  request.method = "GET";
  request.path = path;
  request.query = query;
  request.gzip = gzip;
  return all.answer(request);
}

TEST(routes, sizes_and_freshness_are_as_said) {
  routes all;
  EXPECT_EQ(get(all, "/kb1").body.size(), 1024U);
  EXPECT_EQ(get(all, "/kb100").body.size(), 102'400U);
  EXPECT_EQ(get(all, "/miss/9").body.size(), 1024U);
  EXPECT_NE(get(all, "/kb1").fields.find("max-age=3600"), std::string_view::npos);
  EXPECT_NE(get(all, "/nostore").fields.find("no-store"), std::string_view::npos);
  EXPECT_EQ(get(all, "/nostore").delay_ms, 500U);
  EXPECT_EQ(get(all, "/slow/7", "ms=20").delay_ms, 20U);
  EXPECT_EQ(get(all, "/slow", "ms=999999999").delay_ms, 60'000U);
  EXPECT_EQ(get(all, "/none").status, 404);
}

TEST(routes, the_json_is_the_same_gzipped) {
  routes all;
  const auto plain = get(all, "/json69").body;
  EXPECT_GE(plain.size(), 69'000U);
  EXPECT_LT(plain.size(), 69'500U);
  const auto small = get(all, "/json69", {}, true).body;
  EXPECT_LT(small.size(), plain.size() / 4);
  std::string back(plain.size(), '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 31), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(small.data()));
  stream.avail_in = static_cast<uInt>(small.size());
  stream.next_out = reinterpret_cast<Bytef*>(back.data());
  stream.avail_out = static_cast<uInt>(back.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  EXPECT_EQ(back, plain);
}

TEST(routes, fill_sizes_spread_over_the_range_and_never_change) {
  routes all;
  std::size_t sum = 0;
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    const auto size = fill_size(n);
    ASSERT_GE(size, 200U);
    ASSERT_LE(size, bodies::text_limit);
    sum += size;
  }
  EXPECT_NEAR(static_cast<double>(sum) / 10'000, 29'500, 2'000);
  EXPECT_EQ(get(all, "/fill/123").body.size(), fill_size(123));
}

TEST(routes, the_generation_shows_in_what_is_tagged) {
  routes all;
  EXPECT_NE(get(all, "/tagged/5").fields.find("X-Generation: 1\r\n"), std::string_view::npos);
  static_cast<void>(get(all, "/generation", "set=2"));
  const auto a = get(all, "/tagged/5");
  EXPECT_NE(a.fields.find("X-Generation: 2\r\n"), std::string_view::npos);
  EXPECT_NE(a.fields.find("Cache-Tag: all1m\r\n"), std::string_view::npos);
  EXPECT_EQ(a.made_body, "5 generation 2\n");
}

TEST(routes, counts_by_path_and_from_zero_again) {
  routes all;
  static_cast<void>(get(all, "/kb1"));
  static_cast<void>(get(all, "/miss/1"));
  static_cast<void>(get(all, "/miss/2"));
  static_cast<void>(get(all, "/slow/a", "ms=1"));
  EXPECT_EQ(get(all, "/count").made_body,
            "{\"total\":4,\"paths\":{\"/kb1\":1,\"/miss/\":2,\"/slow/a\":1}}\n");
  static_cast<void>(get(all, "/reset"));
  EXPECT_EQ(get(all, "/count").made_body, "{\"total\":0,\"paths\":{}}\n");
}

}  // namespace
}  // namespace fairing::bench
