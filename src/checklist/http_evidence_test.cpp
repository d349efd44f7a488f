#include "checklist/http_evidence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace fairing::checklist {
namespace {

constexpr mono_time start{milliseconds{10'000'000}};

http_exchange get(std::string_view path) {
  http_exchange e;
  e.site = "shop";
  e.route = "(default)";
  e.method = "GET";
  e.path = path;
  e.status = 200;
  e.duration_us = 1000;
  return e;
}

const row* find(const snapshot& s, std::string_view label) {
  const auto found = std::ranges::find(s.rows, label, &row::label);
  return found == s.rows.end() ? nullptr : &*found;
}
const row_counts& counts(const snapshot& s, std::string_view label) {
  static const row_counts none;
  const auto* r = find(s, label);
  EXPECT_NE(r, nullptr) << label;
  return r == nullptr ? none : r->counts;
}

TEST(http_evidence, retain_drops_rows_and_forgets_repeats_with_them) {
  http_evidence evidence;
  const auto tell = [&](const char* route, int times) {
    auto e = get("/a");
    e.route = route;
    e.key_hash = 7;
    e.body_hash = 9;
    for (int i = 0; i < times; ++i) evidence.record(e, start);
  };
  tell("GET /a", 3);
  tell("GET /b", 2);
  evidence.retain([](const row&) { return true; });
  EXPECT_EQ(evidence.take().requests, 5u);
  evidence.retain([](const row& r) { return r.route == "GET /a" && r.site == "shop"; });
  auto seen = evidence.take();
  EXPECT_EQ(seen.requests, 3u);
  EXPECT_EQ(counts(seen, "GET /a").repeats, 2u) << "what is kept is kept whole";
  tell("GET /a", 1);
  EXPECT_EQ(counts(evidence.take(), "GET /a").repeats, 2u);
  tell("GET /a", 1);
  EXPECT_EQ(counts(evidence.take(), "GET /a").repeats, 3u);
  evidence.retain([](const row&) { return false; });
  seen = evidence.take();
  EXPECT_TRUE(seen.rows.empty());
  EXPECT_EQ(seen.span, milliseconds{0});
  tell("GET /c", 1);
  EXPECT_EQ(evidence.take().requests, 1u);
}

TEST(http_evidence, likeness_finds_the_row_that_the_key_would) {
  http_evidence evidence;
  const auto tell = [&](std::string_view path, std::uint64_t likeness, int times) {
    auto e = get(path);
    e.likeness = likeness;
    for (int i = 0; i < times; ++i) evidence.record(e, start);
  };
  tell("/a", 1, 2);
  tell("/b", 1 + 256, 3);  // takes the place of the first
  tell("/a", 1, 4);
  tell("/c", 0, 1);
  tell("/d", 0, 1);  // of no known likeness: by its own key
  const auto seen = evidence.take();
  EXPECT_EQ(counts(seen, "GET /a").requests, 6u);
  EXPECT_EQ(counts(seen, "GET /b").requests, 3u);
  EXPECT_EQ(counts(seen, "GET /c").requests, 1u);
  EXPECT_EQ(counts(seen, "GET /d").requests, 1u);
  // Rows that were dropped, or cleared with their hour, are made again.
  evidence.retain([](const row& r) { return r.path == "/b"; });
  tell("/a", 1, 1);
  tell("/b", 1 + 256, 1);
  EXPECT_EQ(counts(evidence.take(), "GET /a").requests, 1u);
  EXPECT_EQ(counts(evidence.take(), "GET /b").requests, 4u);
  evidence.reset();
  tell("/a", 1, 1);
  EXPECT_EQ(evidence.take().requests, 1u);
}

TEST(http_evidence, likeness_never_mixes_routes_or_sites) {
  http_evidence evidence;
  auto e = get("/a");
  e.likeness = 7;
  for (const std::string_view site : {"shop", "sho", "shop2"})
    for (const std::string_view route : {"/a", "/ab", "/", "(default)"})
      for (int i = 0; i < 2; ++i) {
        e.site = site;
        e.route = route;
        evidence.record(e, start);
      }
  const auto seen = evidence.take();
  EXPECT_EQ(seen.rows.size(), 12u);
  for (const auto& r : seen.rows) EXPECT_EQ(r.counts.requests, 2u) << r.site << ' ' << r.route;
}

TEST(http_evidence, rows_are_routes_or_templates) {
  http_evidence evidence;
  for (int i = 0; i < 5; ++i) evidence.record(get("/api/products/" + std::to_string(i)), start);
  auto named = get("/api/orders/7");
  named.route = "GET /api/orders/*";
  evidence.record(named, start);
  auto broad = get("/api/users/7");
  broad.route = "/api/**";
  evidence.record(broad, start);
  auto login = get("/auth/login");
  login.route = "/auth/*";
  login.method = "POST";
  login.state_changing = true;
  evidence.record(login, start);
  login.rate_limited_route = true;
  evidence.record(login, start);
  auto head = get("/api/products/9");
  head.method = "HEAD";
  evidence.record(head, start);

  const auto seen = evidence.take();
  EXPECT_EQ(seen.requests, 10u);
  EXPECT_EQ(seen.rows.size(), 5u);
  EXPECT_EQ(counts(seen, "GET /api/products/{id}").requests, 6u);
  EXPECT_EQ(counts(seen, "GET /api/orders/*").requests, 1u);
  EXPECT_EQ(counts(seen, "GET /api/users/{id}").requests, 1u);
  EXPECT_EQ(counts(seen, "POST /auth/login").requests, 1u);
  EXPECT_EQ(counts(seen, "/auth/*").limited, 1u);
  EXPECT_EQ(find(seen, "GET /api/users/{id}")->route, "/api/**");
  EXPECT_EQ(seen.rows.front().site, "shop");
}

TEST(http_evidence, keeps_what_the_points_read) {
  http_evidence evidence;
  auto e = get("/list");
  e.compress_asked = true;
  e.compressible = true;
  e.body_bytes = 5000;
  e.longest_json_array = 101;
  evidence.record(e, start);
  e.encoded = true;
  e.body_bytes = 900;
  e.longest_json_array = 100;
  e.served_by_tier = true;
  evidence.record(e, start);
  e.encoded = false;  // too small to count
  e.longest_json_array = 0;
  evidence.record(e, start);
  e.body_bytes = 5000;
  e.status = 206;  // a part is never encoded
  evidence.record(e, start);
  e.status = 200;
  e.compress_asked = false;
  evidence.record(e, start);

  const auto c = counts(evidence.take(), "GET /list");
  EXPECT_EQ(c.plain_answers, 1u);
  EXPECT_EQ(c.plain_bytes, 5000u);
  EXPECT_EQ(c.encoded_answers, 1u);
  EXPECT_EQ(c.encoded_bytes, 900u);
  EXPECT_EQ(c.lists, 2u);
  EXPECT_EQ(c.long_lists, 1u);
  EXPECT_EQ(c.longest_list, 101u);
  EXPECT_EQ(c.by_tier, 4u);
}

TEST(http_evidence, quantiles) {
  duration_histogram h;
  EXPECT_EQ(h.quantile(0.95), 0);
  for (int i = 1; i <= 1000; ++i) h.add(i * 1000);
  EXPECT_NEAR(static_cast<double>(h.quantile(0.5)), 500e3, 500e3 * 0.07);
  EXPECT_NEAR(static_cast<double>(h.quantile(0.95)), 950e3, 950e3 * 0.07);
  EXPECT_EQ(h.quantile(1.0), 1'000'000);
  duration_histogram constant;
  for (int i = 0; i < 100; ++i) constant.add(950'000);
  EXPECT_LE(constant.quantile(0.95), 950'000);
  duration_histogram extreme;
  extreme.add(-5);
  extreme.add(INT64_MAX);
  EXPECT_EQ(extreme.count(), 2u);
}

TEST(http_evidence, streams_are_not_timed) {
  http_evidence evidence;
  auto e = get("/events");
  e.streaming = true;
  e.duration_us = 90'000'000;
  evidence.record(e, start);
  const auto c = counts(evidence.take(), "GET /events");
  EXPECT_EQ(c.requests, 1u);
  EXPECT_EQ(c.durations.count(), 0u);
}

TEST(http_evidence, shadow_measure_counts_what_a_cache_would_have_given) {
  http_evidence evidence;
  auto e = get("/p");
  e.key_hash = 7;
  e.body_hash = 100;
  evidence.record(e, start);                         // fills
  evidence.record(e, start + milliseconds{30'000});  // repeat
  evidence.record(e, start + milliseconds{60'000});  // repeat, at the window's end
  evidence.record(e, start + milliseconds{60'001});  // fills again
  e.body_hash = 101;
  evidence.record(e, start + milliseconds{60'002});  // changed
  evidence.record(e, start + milliseconds{60'003});  // repeat
  e.served_by_tier = true;
  evidence.record(e, start + milliseconds{60'004});  // a tier gave it: nothing to save
  e.served_by_tier = false;
  e.status = 404;
  evidence.record(e, start + milliseconds{60'005});
  e.status = 200;
  e.body_hash = 0;
  evidence.record(e, start + milliseconds{60'006});
  const auto seen = evidence.take();
  const auto c = counts(seen, "GET /p");
  EXPECT_EQ(c.measured, 6u);
  EXPECT_EQ(c.repeats, 3u);
  EXPECT_EQ(c.changed, 1u);
  EXPECT_EQ(c.repeats_us, 3000);
  EXPECT_EQ(seen.span, milliseconds{60'006});
}

TEST(http_evidence, more_keys_than_slots_lose_repeats_and_invent_none) {
  repeat_table table;
  for (std::uint64_t k = 1; k <= 4 * repeat_table::slots; ++k)
    ASSERT_EQ(table.see(k, k, start), repeat_table::outcome::first);
  std::size_t kept = 0;
  for (std::uint64_t k = 1; k <= 4 * repeat_table::slots; ++k) {
    const auto o = table.see(k, k, start);
    ASSERT_NE(o, repeat_table::outcome::changed);
    kept += o == repeat_table::outcome::repeat ? 1 : 0;
  }
  EXPECT_LE(kept, repeat_table::slots);
}

TEST(http_evidence, rows_are_bounded_and_none_is_lost) {
  http_evidence evidence;
  std::string name;
  for (int i = 0; i < 1000; ++i) {
    name = "/";
    for (int n = i; n > 0; n /= 10) name += static_cast<char>('a' + n % 10);
    evidence.record(get(name), start);
  }
  const auto seen = evidence.take();
  EXPECT_EQ(seen.rows.size(), http_evidence::max_rows);
  EXPECT_EQ(seen.requests, 1000u);
  EXPECT_EQ(counts(seen, "(other)").requests, 1000u - 255u);
  EXPECT_EQ(seen.in_other_row, 1000u - 255u);
}

TEST(http_evidence, a_scanner_does_not_fill_the_rows) {
  http_evidence evidence;
  for (int i = 0; i < 500; ++i) {
    const auto path = "/wp" + std::string(static_cast<std::size_t>(i % 20), 'x') + "/admin";
    auto e = get(path);
    e.status = 404;
    evidence.record(e, start);
  }
  const auto seen = evidence.take();
  ASSERT_EQ(seen.rows.size(), 1u);
  EXPECT_EQ(counts(seen, "(not found)").requests, 500u);
}

TEST(http_evidence, evidence_ages_by_the_hour_and_stays_when_idle) {
  http_evidence evidence;
  const auto hour = http_evidence::generation;
  evidence.record(get("/a"), start);
  evidence.record(get("/b"), start + 10 * hour);
  EXPECT_EQ(evidence.take().rows.size(), 2u);  // idle hours do not count
  evidence.record(get("/c"), start + 11 * hour);
  const auto seen = evidence.take();
  EXPECT_EQ(find(seen, "GET /a"), nullptr);
  EXPECT_NE(find(seen, "GET /b"), nullptr);
  EXPECT_NE(find(seen, "GET /c"), nullptr);
}

TEST(http_evidence, an_idle_shard_brings_no_older_hours) {
  http_evidence evidence(2);
  const auto in_thread = [&](std::string path, mono_time at) {
    std::thread([&] { evidence.record(get(path), at); }).join();
  };
  const auto hour = http_evidence::generation;
  in_thread("/a", start);
  in_thread("/b", start);  // the other shard
  in_thread("/c", start + hour);
  in_thread("/d", start + hour);
  in_thread("/e", start + 2 * hour);
  const auto seen = evidence.take();
  EXPECT_EQ(find(seen, "GET /a"), nullptr);
  EXPECT_EQ(find(seen, "GET /b"), nullptr);
  EXPECT_EQ(seen.requests, 3u);
}

TEST(http_evidence, reset_forgets) {
  http_evidence evidence;
  auto e = get("/p");
  e.key_hash = 1;
  e.body_hash = 1;
  evidence.record(e, start);
  evidence.reset();
  EXPECT_TRUE(evidence.take().rows.empty());
  evidence.record(e, start);
  EXPECT_EQ(counts(evidence.take(), "GET /p").repeats, 0u);
}

TEST(http_evidence, cores_record_while_someone_reads) {
  http_evidence evidence(3);
  constexpr int threads = 4;
  constexpr int each = 5000;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t)
      writers.emplace_back([&evidence, t] {
        for (int i = 0; i < each; ++i) {
          const auto path = i % 2 == 0 ? std::string("/list") : "/p/" + std::to_string(i);
          auto e = get(path);
          e.key_hash = static_cast<std::uint64_t>(i % 50) + 1;
          e.body_hash = static_cast<std::uint64_t>(t) + 1;
          evidence.record(e, start + milliseconds{i});
        }
      });
    for (int i = 0; i < 20; ++i) EXPECT_LE(evidence.take().requests, std::uint64_t{threads * each});
  }
  const auto seen = evidence.take();
  EXPECT_EQ(seen.requests, std::uint64_t{threads * each});
  EXPECT_EQ(counts(seen, "GET /list").requests, std::uint64_t{threads * each / 2});
  EXPECT_EQ(seen.rows.size(), 2u);
}

}  // namespace
}  // namespace fairing::checklist
