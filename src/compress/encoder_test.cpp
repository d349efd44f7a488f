#include "compress/encoder.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace fairing::compress {
namespace {

// A JSON list like those a shop answers with; the same each time.
std::string json_list(std::size_t bytes) {
  std::mt19937 random(5);
  std::string out = "[";
  for (int i = 0; out.size() < bytes; ++i)
    out += (i == 0 ? "" : ",") + std::string(R"({"id":)") + std::to_string(i) +
           R"(,"name":"product )" + std::to_string(random() % 1000) + R"(","price":)" +
           std::to_string(random() % 100'000) + R"(,"active":true})";
  return out + "]";
}

std::string noise(std::size_t bytes) {
  std::mt19937 random(7);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

constexpr std::size_t no_limit = std::size_t{1} << 30;

class codings : public testing::TestWithParam<std::tuple<coding, effort>> {
 protected:
  coding c = std::get<0>(GetParam());
  effort e = std::get<1>(GetParam());
};

TEST_P(codings, a_whole_body_comes_back) {
  for (const std::size_t size : {200U, 1024U, 69U * 1024, 700U * 1024}) {
    const auto body = json_list(size);
    const auto encoded = encode(c, e, body);
    ASSERT_TRUE(encoded) << size;
    EXPECT_LT(encoded->size(), body.size());
    EXPECT_EQ(decode(c, *encoded, no_limit), body);
  }
}

TEST_P(codings, what_does_not_get_smaller_is_not_encoded) {
  EXPECT_EQ(encode(c, e, ""), std::nullopt);
  EXPECT_EQ(encode(c, e, "x"), std::nullopt);
  EXPECT_EQ(encode(c, e, noise(5000)), std::nullopt);
}

TEST_P(codings, a_stream_comes_back_whatever_its_chunks) {
  for (const std::size_t chunk : {1000U, 8192U, 65536U, 1'000'000U}) {
    const auto body = json_list(300 * 1024) + noise(50'000);
    auto stream = make_encoder(c, e);
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += chunk)
      stream->write(std::string_view(body).substr(at, chunk), out);
    stream->finish(out);
    EXPECT_EQ(decode(c, out, no_limit), body) << chunk;
  }
}

TEST_P(codings, an_empty_stream_is_a_valid_one) {
  auto stream = make_encoder(c, e);
  std::string out;
  stream->finish(out);
  EXPECT_FALSE(out.empty());
  EXPECT_EQ(decode(c, out, 0), "");
}

TEST_P(codings, output_is_appended_and_contexts_are_used_again) {
  const auto body = json_list(20'000);
  for (int i = 0; i < 10; ++i) {
    auto stream = make_encoder(c, e);
    std::string out = "head";
    stream->write(body, out);
    if (i % 3 == 0) continue;  // a client that vanished: given up midway
    stream->finish(out);
    ASSERT_EQ(out.substr(0, 4), "head");
    EXPECT_EQ(decode(c, out.substr(4), no_limit), body);
  }
}

TEST_P(codings, two_streams_of_one_thread_do_not_mix) {
  auto a = make_encoder(c, e);
  auto b = make_encoder(c, e);
  std::string out_a;
  std::string out_b;
  for (int i = 0; i < 100; ++i) {
    a->write("aaaa" + std::to_string(i), out_a);
    b->write("bbbb", out_b);
  }
  b->finish(out_b);
  a->finish(out_a);
  EXPECT_EQ(decode(c, out_b, no_limit)->substr(0, 8), "bbbbbbbb");
  EXPECT_EQ(decode(c, out_a, no_limit)->substr(0, 10), "aaaa0aaaa1");
}

TEST_P(codings, an_encoder_may_end_on_another_thread) {
  auto stream = make_encoder(c, e);
  std::string out;
  stream->write("hello ", out);
  std::thread([&, moved = std::move(stream)]() mutable {
    moved->write("world", out);
    moved->finish(out);
    moved.reset();
  }).join();
  EXPECT_EQ(decode(c, out, no_limit), "hello world");
}

TEST_P(codings, decoding_is_bounded) {
  const std::string body(1'000'000, 'a');
  const auto bomb = encode(c, e, body);
  ASSERT_TRUE(bomb);
  EXPECT_LT(bomb->size(), 5000U);
  EXPECT_EQ(decode(c, *bomb, body.size() - 1), std::nullopt);
  EXPECT_EQ(decode(c, *bomb, body.size()), body);
  EXPECT_EQ(decode(c, *bomb, 0), std::nullopt);
}

TEST_P(codings, broken_bodies_are_refused) {
  const auto body = json_list(50'000);
  const auto encoded = *encode(c, e, body);
  EXPECT_EQ(decode(c, "", no_limit), std::nullopt);
  EXPECT_EQ(decode(c, "plain text", no_limit), std::nullopt);
  EXPECT_EQ(decode(c, encoded + "x", no_limit), std::nullopt);
  for (const std::size_t cut : {1U, 2U, 9U, 100U})
    EXPECT_EQ(decode(c, std::string_view(encoded).substr(0, encoded.size() - cut), no_limit),
              std::nullopt);
  for (std::size_t at = 0; at < encoded.size(); at += 97) {
    auto flipped = encoded;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    (void)decode(c, flipped, body.size() * 2);  // whatever it says, it must stay within its bounds
  }
}

INSTANTIATE_TEST_SUITE_P(all, codings,
                         testing::Combine(testing::Values(coding::gzip, coding::br, coding::zstd),
                                          testing::Values(effort::fast, effort::best)),
                         [](const auto& info) {
                           return std::string(to_string(std::get<0>(info.param))) +
                                  (std::get<1>(info.param) == effort::fast ? "_fast" : "_best");
                         });

TEST(gzip_members, several_are_one_body) {
  const auto one = *encode(coding::gzip, effort::fast, std::string(1000, 'a'));
  const auto two = *encode(coding::gzip, effort::fast, std::string(1000, 'b'));
  EXPECT_EQ(decode(coding::gzip, one + two, no_limit),
            std::string(1000, 'a') + std::string(1000, 'b'));
}

TEST(identity_coding, passes_bytes_on) {
  auto stream = make_encoder(coding::identity, effort::fast);
  std::string out;
  stream->write("a", out);
  stream->flush(out);
  stream->finish(out);
  EXPECT_EQ(out, "a");
  EXPECT_EQ(encode(coding::identity, effort::fast, std::string(100, 'a')), std::nullopt);
  EXPECT_EQ(decode(coding::identity, "abc", 3), "abc");
  EXPECT_EQ(decode(coding::identity, "abc", 2), std::nullopt);
}

TEST(coding_names, are_read_without_case) {
  EXPECT_EQ(coding_from("gzip"), coding::gzip);
  EXPECT_EQ(coding_from("X-GZip"), coding::gzip);
  EXPECT_EQ(coding_from("BR"), coding::br);
  EXPECT_EQ(coding_from("zstd"), coding::zstd);
  EXPECT_EQ(coding_from("identity"), coding::identity);
  EXPECT_EQ(coding_from("deflate"), std::nullopt);
  EXPECT_EQ(coding_from(""), std::nullopt);
}

}  // namespace
}  // namespace fairing::compress
