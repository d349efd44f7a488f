#include "http/session/fill_buffer.hpp"

#include <gtest/gtest.h>

namespace fairing::http {
namespace {

using compress::coding;

struct fill : testing::Test {
  // Everything a reader can get now, and the state after it.
  std::pair<std::string, fill_state> drain(std::size_t id) {
    std::string out;
    std::vector<piece> pieces;
    auto state = fill_state::open;
    do {
      pieces.clear();
      state = buffer.next(id, pieces, 4);
      for (const auto& p : pieces) out += p.bytes;
    } while (!pieces.empty() && state == fill_state::open);
    return {out, state};
  }
  std::size_t open(coding c = coding::identity, fill_span want = {}) {
    std::size_t id = 99;
    EXPECT_TRUE(buffer.open_reader(c, {}, id, want));
    return id;
  }
  fill_buffer buffer;
};

TEST_F(fill, late_readers_of_a_kept_body_get_all_of_it) {
  const auto first = open();
  buffer.append("abc", false);
  EXPECT_EQ(drain(first), std::pair(std::string("abc"), fill_state::open));
  buffer.append("def", false);
  buffer.finish();
  const auto second = open();
  EXPECT_EQ(drain(first), std::pair(std::string("def"), fill_state::finished));
  EXPECT_EQ(drain(second), std::pair(std::string("abcdef"), fill_state::finished));
}

TEST_F(fill, an_abort_after_the_last_byte_is_seen_as_an_abort) {
  const auto id = open();
  buffer.append("abc", false);
  buffer.abort();
  EXPECT_EQ(drain(id), std::pair(std::string("abc"), fill_state::aborted));
}

TEST_F(fill, a_coding_is_encoded_once_and_from_the_start) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "{\"id\":" + std::to_string(i) + "},";
  buffer.append(std::string_view(text).substr(0, 1000), false);
  const auto gzip = open(coding::gzip);
  buffer.append(std::string_view(text).substr(1000), false);
  const auto again = open(coding::gzip);
  buffer.finish();
  const auto a = drain(gzip);
  const auto b = drain(again);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.second, fill_state::finished);
  EXPECT_EQ(*compress::decode(coding::gzip, a.first, 1 << 20), text);
  const auto bodies = buffer.take_bodies();
  EXPECT_EQ(bodies[0]->copy(), text);
  EXPECT_EQ(bodies[static_cast<std::size_t>(coding::gzip)]->copy(), a.first);
  EXPECT_FALSE(bodies[static_cast<std::size_t>(coding::br)]);
}

TEST_F(fill, passing_keeps_what_the_first_reader_still_needs) {
  buffer.set_passing();
  buffer.append("early", false);
  const auto id = open();
  EXPECT_EQ(drain(id).first, "early");
  std::size_t late = 0;
  buffer.append(std::string(2 * fill_buffer::chunk_size, 'x'), false);
  (void)drain(id);
  EXPECT_FALSE(buffer.open_reader(coding::identity, {}, late)) << "its beginning is gone";
}

TEST_F(fill, passing_makes_the_writer_wait_for_the_fastest_reader_only) {
  buffer.set_passing();
  const auto fast = open();
  const auto slow = open();
  buffer.append(std::string(fill_buffer::window, 'x'), false);
  EXPECT_TRUE(buffer.must_wait());
  EXPECT_EQ(drain(fast).first.size(), fill_buffer::window);
  EXPECT_FALSE(buffer.must_wait());
  for (int i = 0; i < 8; ++i) {
    buffer.append(std::string(fill_buffer::window, 'y'), false);
    (void)drain(fast);
  }
  EXPECT_EQ(drain(slow).second, fill_state::aborted) << "too far behind: cut off, not waited for";
}

TEST_F(fill, a_track_whose_reader_left_does_not_grow_while_another_reads) {
  const auto before = fill_bytes_in_flight().load();
  const auto plain = open();
  const auto gzip = open(coding::gzip);
  buffer.set_passing();
  buffer.close_reader(gzip);
  std::string noise(fill_buffer::window, '\0');
  std::uint64_t x = 1;
  for (auto& c : noise) c = static_cast<char>((x = x * 6364136223846793005ULL + 1) >> 56);
  for (int i = 0; i < 40; ++i) {
    buffer.append(noise, false);
    EXPECT_EQ(drain(plain).second, fill_state::open);
  }
  EXPECT_LT(fill_bytes_in_flight().load() - before, 6 * fill_buffer::window);
}

TEST_F(fill, a_part_ends_where_it_ends_whatever_becomes_of_the_rest) {
  const auto early = open(coding::identity, {1, 3});
  const auto late = open(coding::identity, {4, 7});
  buffer.append("ab", false);
  EXPECT_EQ(drain(early), std::pair(std::string("b"), fill_state::open));
  EXPECT_EQ(drain(late), std::pair(std::string(), fill_state::open));
  buffer.append("cdef", false);
  EXPECT_EQ(drain(early), std::pair(std::string("c"), fill_state::finished));
  EXPECT_EQ(drain(late), std::pair(std::string("ef"), fill_state::open));
  buffer.abort();
  EXPECT_EQ(drain(early).second, fill_state::finished);
  EXPECT_EQ(drain(late), std::pair(std::string(), fill_state::aborted));
  EXPECT_EQ(drain(open(coding::identity, {100, 200})).second, fill_state::aborted);
}

TEST_F(fill, a_part_may_span_more_chunks_than_are_taken_at_once) {
  std::string body;
  for (int i = 0; i < 10; ++i)
    body += std::string(fill_buffer::chunk_size, static_cast<char>('a' + i));
  buffer.append(body, false);
  const fill_span want{fill_buffer::chunk_size / 2, 9 * fill_buffer::chunk_size + 5};
  EXPECT_EQ(drain(open(coding::identity, want)),
            std::pair(body.substr(want.first, want.end - want.first), fill_state::finished));
}

TEST_F(fill, who_waits_for_its_part_holds_no_bytes_and_paces_nobody) {
  buffer.set_passing();
  const std::string block(fill_buffer::window, 'x');
  const auto before = fill_bytes_in_flight().load();
  const auto far = open(coding::identity, {20 * fill_buffer::window, 20 * fill_buffer::window + 2});
  for (int i = 0; i < 20; ++i) {
    buffer.append(block, false);
    EXPECT_FALSE(buffer.must_wait());
  }
  EXPECT_LT(fill_bytes_in_flight().load() - before, 2 * fill_buffer::window);
  EXPECT_EQ(drain(far), std::pair(std::string(), fill_state::open));
  buffer.append(block, false);
  EXPECT_EQ(drain(far), std::pair(std::string("xx"), fill_state::finished));
}

TEST_F(fill, who_waits_for_its_part_cuts_nobody_off) {
  const auto plain = open();
  (void)open(coding::identity, {1000 * fill_buffer::window, UINT64_MAX});
  buffer.set_passing();
  buffer.append(std::string(fill_buffer::window, 'x'), false);
  EXPECT_TRUE(buffer.must_wait()) << "for the one that reads";
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(drain(plain).second, fill_state::open);
    buffer.append(std::string(fill_buffer::window, 'y'), false);
  }
}

TEST_F(fill, nobody_left_means_abandoned_only_when_passing) {
  const auto id = open();
  buffer.close_reader(id);
  EXPECT_FALSE(buffer.abandoned()) << "a fill for the cache outlives its first client";
  buffer.set_passing();
  EXPECT_TRUE(buffer.abandoned());
}

TEST_F(fill, the_content_hash_does_not_depend_on_how_bytes_arrived) {
  fill_buffer other;
  buffer.append("hello world", false);
  other.append("hello ", false);
  other.append("world", false);
  EXPECT_EQ(buffer.content_hash(), other.content_hash());
}

TEST(fill_bytes, are_given_back) {
  const auto before = fill_bytes_in_flight().load();
  {
    fill_buffer b;
    b.append(std::string(100'000, 'x'), false);
    EXPECT_GE(fill_bytes_in_flight().load(), before + 100'000);
  }
  EXPECT_EQ(fill_bytes_in_flight().load(), before);
}

}  // namespace
}  // namespace fairing::http
