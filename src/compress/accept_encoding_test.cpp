#include <gtest/gtest.h>

#include <array>
#include <string>

#include "compress/encoder.hpp"

namespace fairing::compress {
namespace {

struct row {
  const char* value;
  int identity, gzip, br, zstd;
};

TEST(accept_encoding, q_values) {
  constexpr row rows[] = {
      {"", 1000, 0, 0, 0},
      {"  ", 1000, 0, 0, 0},
      {"gzip", 1, 1000, 0, 0},
      {"GZIP, Br , zstd", 1, 1000, 1000, 1000},
      {"x-gzip", 1, 1000, 0, 0},
      {"gzip;q=0.5, br;q=1.0, zstd;q=0.123", 1, 500, 1000, 123},
      {"gzip ; q=0.8", 1, 800, 0, 0},
      {"gzip;Q=0.8", 1, 800, 0, 0},
      {"gzip;q=0", 1, 0, 0, 0},
      {"gzip;q=0.000", 1, 0, 0, 0},
      {"gzip;q=0.001", 1, 1, 0, 0},
      {"gzip;q=1.", 1, 1000, 0, 0},
      {"gzip;q=1.000", 1, 1000, 0, 0},
      {"*", 1000, 1000, 1000, 1000},
      {"*;q=0.5", 500, 500, 500, 500},
      {"gzip, *;q=0", 0, 1000, 0, 0},
      {"gzip;q=0, *", 1000, 0, 1000, 1000},
      {"identity", 1000, 0, 0, 0},
      {"identity;q=0", 0, 0, 0, 0},
      {"identity;q=0, gzip", 0, 1000, 0, 0},
      {"identity;q=0.5, gzip;q=0.2", 500, 200, 0, 0},
      {"identity;q=0.3, *;q=0", 300, 0, 0, 0},
      {"*;q=0", 0, 0, 0, 0},
      {"deflate, compress", 1, 0, 0, 0},
      {"gzip, deflate, br, zstd", 1, 1000, 1000, 1000},
      {"gzip, gzip;q=0", 1, 0, 0, 0},
      {"gzip, x-gzip;q=0.4", 1, 400, 0, 0},
      {",, gzip ,,", 1, 1000, 0, 0},
      // What is malformed is not accepted.
      {"gzip;q=1.001", 1, 0, 0, 0},
      {"gzip;q=2", 1, 0, 0, 0},
      {"gzip;q=-1", 1, 0, 0, 0},
      {"gzip;q=", 1, 0, 0, 0},
      {"gzip;q=.5", 1, 0, 0, 0},
      {"gzip;q=0.1234", 1, 0, 0, 0},
      {"gzip;q=0,5", 1, 0, 0, 0},
      {"gzip;q=abc, br", 1, 0, 1000, 0},
      {"gzip;level=9", 1, 0, 0, 0},
      {"gzip;q=1;x=2", 1, 0, 0, 0},
      {"gzip;", 1, 0, 0, 0},
      {"gzip br", 1, 0, 0, 0},
  };
  for (const auto& r : rows) {
    const auto a = parse_accept_encoding(r.value);
    const auto q = [&](coding c) { return static_cast<int>(a.q[static_cast<std::size_t>(c)]); };
    EXPECT_EQ(q(coding::identity), r.identity) << r.value;
    EXPECT_EQ(q(coding::gzip), r.gzip) << r.value;
    EXPECT_EQ(q(coding::br), r.br) << r.value;
    EXPECT_EQ(q(coding::zstd), r.zstd) << r.value;
    EXPECT_EQ(a.allows(coding::gzip), r.gzip > 0) << r.value;
  }
}

TEST(accept_encoding, a_missing_field_accepts_identity_only) {
  const accepted missing;
  constexpr std::array offered{coding::zstd, coding::br, coding::gzip};
  EXPECT_EQ(choose(missing, offered), coding::identity);
  EXPECT_FALSE(missing.allows(coding::gzip));
}

TEST(accept_encoding, choose_takes_the_best_q_then_our_order) {
  constexpr std::array offered{coding::zstd, coding::br, coding::gzip};
  const auto chosen = [&](const char* value) {
    return choose(parse_accept_encoding(value), offered);
  };
  EXPECT_EQ(chosen("gzip, br, zstd"), coding::zstd);
  EXPECT_EQ(chosen("gzip, br"), coding::br);
  EXPECT_EQ(chosen("gzip, br;q=0.9"), coding::gzip);
  EXPECT_EQ(chosen("gzip;q=0.001"), coding::gzip) << "named, so wanted before unnamed identity";
  EXPECT_EQ(chosen("*"), coding::zstd);
  EXPECT_EQ(chosen("*;q=0.1"), coding::zstd);
  EXPECT_EQ(chosen("identity, gzip;q=0.5"), coding::identity);
  EXPECT_EQ(chosen("identity, gzip"), coding::gzip) << "equal q: what we prefer";
  EXPECT_EQ(chosen("deflate"), coding::identity);
  EXPECT_EQ(chosen(""), coding::identity);
  EXPECT_EQ(chosen("identity;q=0"), std::nullopt);
  EXPECT_EQ(chosen("*;q=0"), std::nullopt);
  EXPECT_EQ(chosen("*;q=0, gzip"), coding::gzip);
  EXPECT_EQ(choose(parse_accept_encoding("gzip"), {}), coding::identity);
  EXPECT_EQ(choose(parse_accept_encoding("identity;q=0, gzip"), {}), std::nullopt);
}

}  // namespace
}  // namespace fairing::compress
