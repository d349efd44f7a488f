#include "http/session/buffers.hpp"

#include <gtest/gtest.h>

#include "http/session/access_log.hpp"
#include "http/session/decisions.hpp"

namespace fairing::http {
namespace {

void put(in_buffer& b, std::string_view bytes) {
  const auto room = b.prepare(bytes.size());
  std::ranges::copy(bytes, room.begin());
  b.commit(bytes.size());
}

TEST(in_buffer, keeps_unread_bytes_while_it_moves_and_grows) {
  in_buffer b;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const auto text = std::to_string(i) + ",";
    put(b, text);
    expected += text;
    if (i % 3 == 0) {
      b.consume(2);
      expected.erase(0, 2);
    }
    ASSERT_EQ(b.view(), expected);
  }
  b.consume(b.size());
  b.shrink();
  EXPECT_TRUE(b.empty());
  put(b, "again");
  EXPECT_EQ(b.view(), "again");
}

std::string flat(const out_queue& q) {
  std::vector<net::part> parts;
  q.parts(parts);
  std::string out;
  for (const auto& p : parts) {
    if (!p.file) {
      out += p.memory;
      continue;
    }
    std::string block(p.length, '\0');
    EXPECT_EQ(p.file->read(p.offset, block), p.length);
    out += block;
  }
  return out;
}

TEST(out_queue, interleaves_text_small_and_large_bodies) {
  const auto small = body_data::make(std::string(100, 's'));
  const auto medium = body_data::make(std::string(20'000, 'm'));
  const auto large = body_data::make(std::string(100'000, 'l'));
  EXPECT_TRUE(large->file());
  EXPECT_FALSE(medium->file());
  out_queue q;
  q.text() += "a";
  q.add(small, 0, 100);
  q.text() += "b";
  q.add(medium, 5, 10'000);
  q.add(large, 50, 99'000);
  q.text() += "c";
  EXPECT_EQ(flat(q), "a" + std::string(100, 's') + "b" + std::string(10'000, 'm') +
                         std::string(99'000, 'l') + "c");
  EXPECT_TRUE(q.full());
  EXPECT_EQ(q.bytes(), 3U + 100 + 10'000 + 99'000);
  q.clear();
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(flat(q), "");
}

TEST(decision_ring, gives_the_newest_first_and_bounds_its_texts) {
  auto ring = std::make_unique<decision_ring>();
  const std::string long_target(5000, 'x');
  for (std::size_t i = 0; i < decision_ring::slots + 5; ++i) {
    exchange_record r;
    r.status = static_cast<std::uint16_t>(i);
    r.authority = "host";
    r.target = long_target;
    ring->record(r);
  }
  std::size_t n = 0;
  std::uint16_t first = 0;
  ring->for_each([&](const decision& d) {
    if (n++ == 0) first = d.status;
    EXPECT_TRUE(d.text(6).starts_with("hostxxx"));
    EXPECT_LE(d.text(6).size(), 255U);
    return true;
  });
  EXPECT_EQ(n, decision_ring::slots);
  EXPECT_EQ(first, decision_ring::slots + 4);
}

TEST(access_line, is_one_json_line_whatever_the_peer_sent) {
  exchange_record r;
  r.target = "/a\"b\nc\x01";
  r.user_agent = "\xff\xfe";
  r.status = 200;
  std::string out;
  append_access_line(out, r);
  EXPECT_EQ(std::ranges::count(out, '\n'), 1);
  EXPECT_NE(out.find("\"target\":\"/a\\\"b\\nc\\u0001\""), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("}\n"));
}

}  // namespace
}  // namespace fairing::http
