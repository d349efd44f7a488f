// Each point's grades, from made-up snapshots.
#include "checklist/points.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/assert.hpp"

namespace fairing::checklist {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

row row_of(std::string_view path, std::uint64_t requests, std::int64_t duration_us = 2000,
           row_method method = row_method::get) {
  row r;
  r.site = "shop";
  r.path = path;
  r.method = method;
  r.counts.requests = requests;
  for (std::uint64_t i = 0; i < requests; ++i) r.counts.durations.add(duration_us);
  return r;
}

snapshot seen(std::vector<row> rows) {
  snapshot s;
  s.rows = std::move(rows);
  s.span = milliseconds{60'000};
  for (const auto& r : s.rows) s.requests += r.counts.requests;
  return s;
}

site_facts shop() {
  site_facts f;
  f.name = "shop";
  f.upstreams = {"http://127.0.0.1:3000"};
  f.timeouts = {{"connect", milliseconds{1000}, true}, {"total", milliseconds{60'000}, true}};
  return f;
}
const std::vector<site_facts> sites = {shop()};
std::vector<site_facts> egress_sites() {
  auto f = shop();
  f.egress = true;
  return {f};
}

row with_lists(std::uint32_t longest, std::uint64_t requests = 40) {
  auto r = row_of("/api/products", requests);
  r.counts.lists = requests;
  r.counts.longest_list = longest;
  r.counts.long_lists = longest > long_list ? requests / 2 : 0;
  return r;
}

TEST(point_3, grades_long_lists) {
  EXPECT_EQ(grade_pagination(seen({with_lists(100)}), sites).result, grade::pass);
  EXPECT_EQ(grade_pagination(seen({with_lists(101)}), sites).result, grade::warn);
  EXPECT_EQ(grade_pagination(seen({with_lists(1000)}), sites).result, grade::warn);
  const auto p = grade_pagination(seen({with_lists(1001)}), sites);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence, Contains(HasSubstr("GET /api/products: up to 1001 elements")));
  EXPECT_THAT(p.fix, Contains(HasSubstr("WHERE id > $1 ORDER BY id LIMIT 20")));
}

TEST(point_3, needs_samples_and_leaves_egress_out) {
  const auto p = grade_pagination(seen({with_lists(5000, 19)}), sites);
  EXPECT_EQ(p.result, grade::not_seen);
  EXPECT_THAT(p.evidence, Contains(HasSubstr("19 of the 20 JSON lists")));
  EXPECT_EQ(grade_pagination(seen({with_lists(5000)}), egress_sites()).result, grade::not_seen);
  EXPECT_EQ(grade_pagination(seen({}), {}).result, grade::not_seen);
}

row with_repeats(std::uint64_t repeats, std::uint64_t measured, std::int64_t us_each) {
  auto r = row_of("/api/products/{id}", measured);
  r.counts.measured = measured;
  r.counts.repeats = repeats;
  r.counts.repeats_us = static_cast<std::int64_t>(repeats) * us_each;
  return r;
}

TEST(conclude, lines_of_one_place_stand_together_and_nothing_twice) {
  point p;
  const auto of = [](std::vector<std::string> fix) {
    return finding{.severity = grade::warn, .weight = 0, .evidence = "e", .fix = std::move(fix)};
  };
  conclude(p, {of({"# at a", "- 1", "# only if"}), of({"# at a", "- 2", "# only if"}),
               of({"# at a", "- 1"}), of({"# why", "# at a", "- 3"}), of({"# at b", "- 1"})});
  EXPECT_THAT(p.fix, testing::ElementsAre("# at a", "- 1", "- 2", "# only if", "# why", "- 3",
                                          "# at b", "- 1"));
}

TEST(point_5, grades_what_a_cache_would_save) {
  EXPECT_EQ(grade_cached(seen({with_repeats(20, 100, 50'000)}), sites).result, grade::pass);
  EXPECT_EQ(grade_cached(seen({with_repeats(40, 100, 50'000)}), sites).result, grade::warn);
  EXPECT_EQ(grade_cached(seen({with_repeats(90, 100, 5'000)}), sites).result, grade::warn);
  EXPECT_EQ(grade_cached(seen({with_repeats(90, 100, 500)}), sites).result, grade::pass);
  const auto p = grade_cached(seen({with_repeats(90, 100, 50'000)}), sites);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence.front(),
              HasSubstr("90 of 100 answers of the backend (90 %) repeated the one of at most 60 s "
                        "before; a cache would have saved 90 requests and 4.50 s of backend time "
                        "a minute"));
  EXPECT_EQ(p.fix[0],
            "# http, site shop: under routes; the first match wins, so lines of several points for "
            "one match become one entry");
  EXPECT_EQ(p.fix[1],
            "- { match: GET /api/products/*, cache: { ttl: 60s, stale_while_revalidate: 10s } }");
}

TEST(point_5, answers_that_change_get_a_short_ttl) {
  auto r = with_repeats(60, 100, 50'000);
  r.counts.changed = 30;
  const auto p = grade_cached(seen({r}), sites);
  EXPECT_THAT(p.fix, Contains(HasSubstr("ttl: 5s")));
  EXPECT_THAT(p.evidence.front(), HasSubstr("30 times it had changed"));
}

TEST(point_5, passes_on_served_by_a_tier_and_needs_samples) {
  auto r = row_of("/a", 100);
  r.counts.by_tier = 95;
  r.counts.measured = 5;
  r.counts.repeats = 5;
  r.counts.repeats_us = 50'000'000;
  const auto p = grade_cached(seen({r}), sites);
  EXPECT_EQ(p.result, grade::pass);
  EXPECT_THAT(p.evidence, Contains("a cache served 95 of 100 GETs (95 %)"));
  EXPECT_EQ(grade_cached(seen({with_repeats(19, 19, 900'000)}), sites).result, grade::not_seen);
}

TEST(point_5, a_cache_that_is_off_is_named) {
  auto off = sites;
  off[0].cache = false;
  EXPECT_THAT(grade_cached(seen({with_repeats(90, 100, 50'000)}), off).fix,
              Contains("# http, site shop: its cache.mode is not on"));
}

TEST(point_6, grades_slow_routes) {
  EXPECT_EQ(grade_queued(seen({row_of("/r", 20, 999'000)}), sites).result, grade::pass);
  EXPECT_EQ(grade_queued(seen({row_of("/r", 20, 1'200'000)}), sites).result, grade::warn);
  const auto p = grade_queued(
      seen({row_of("/reports", 20, 3'500'000, row_method::post), row_of("/r", 30, 1'200'000)}),
      sites);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence.front(), HasSubstr("POST /reports: p50"));
  EXPECT_THAT(p.evidence.front(), HasSubstr("p95 3.50 s over 20 requests"));
  EXPECT_THAT(p.fix, Contains(HasSubstr("answer 202 Accepted")));
  EXPECT_EQ(grade_queued(seen({row_of("/r", 19, 9'000'000)}), sites).result, grade::not_seen);
  EXPECT_EQ(grade_queued(seen({row_of("/r", 90, 9'000'000)}), egress_sites()).result,
            grade::not_seen);
}

TEST(point_6, proposes_to_put_the_route_off) {
  const auto slow = row_of("/reports", 20, 3'500'000, row_method::post);
  const auto p = grade_queued(seen({slow}), sites);
  EXPECT_THAT(p.fix, Contains("- { match: POST /reports, async: { mode: prefer, queue: slow } }"));
  EXPECT_THAT(p.fix, Contains(HasSubstr("jobs: { listen: 127.0.0.1:9324")));
  jobs_evidence jobs;
  jobs.configured = true;
  const auto q = grade_queued(seen({slow}), sites, jobs);
  EXPECT_THAT(q.fix, Contains(HasSubstr("# under jobs.queues: - { name: slow")));
  EXPECT_THAT(q.fix, Not(Contains(HasSubstr("jobs: { listen"))));
}

TEST(point_6, of_a_route_that_is_put_off_it_speaks_to_the_clients) {
  auto slow = row_of("/reports", 20, 3'500'000, row_method::post);
  slow.route = "/reports/**";
  auto async = sites;
  async[0].async_routes = {"/reports/**"};
  const auto p = grade_queued(seen({slow}), async);
  EXPECT_THAT(p.fix.front(), HasSubstr("Prefer: respond-async"));
  EXPECT_THAT(p.fix.back(), HasSubstr("mode: always"));
}

// Dead letters are kept for 14 days and done jobs for one: one in a hundred that dies is not a queue that fails.
TEST(point_6, compares_what_died_within_a_day_with_what_was_done) {
  jobs_evidence jobs;
  jobs.configured = true;
  jobs.queues = {{.name = "mails", .dead = 140, .died_today = 10, .done_today = 990}};
  const auto sound = grade_queued({}, sites, jobs);
  EXPECT_EQ(sound.result, grade::warn);
  EXPECT_THAT(sound.evidence, Contains("queue mails: 140 dead letters, 10 of them within a day, "
                                       "beside 990 done"));
  jobs.queues[0].died_today = 120;
  EXPECT_EQ(grade_queued({}, sites, jobs).result, grade::fail);
  jobs.queues[0].dead = 1;  // the others were redriven
  EXPECT_EQ(grade_queued({}, sites, jobs).result, grade::warn);
}

TEST(point_6, names_the_queue_whose_jobs_are_not_idempotent) {
  jobs_evidence jobs;
  jobs.configured = true;
  jobs.queues = {{.name = "mails"}, {.name = "bills"}};
  jobs.queues[0].verified = {.idempotent = 9, .not_idempotent = 3};
  jobs.queues[0].verified.findings = {
      {"06AZ5PYWPG000", "added_rows", "insert into mails values ($1)", 1, 1},
      {"06AZ5PYWPG001", "relative", "update counts set n = n + $1", 2, 2}};
  jobs.queues[1].verified.idempotent = 4;
  const auto p = grade_queued({}, sites, jobs);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence, Contains(AllOf(HasSubstr("queue mails: 3 of 12 jobs that were run twice"),
                                         HasSubstr("06AZ5PYWPG000 added rows again: insert into "
                                                   "mails values ($1) (1 rows the first time"))));
  EXPECT_THAT(p.evidence, Contains(HasSubstr("built on what the first run had written: update")));
  EXPECT_THAT(p.fix, Contains(HasSubstr("ON CONFLICT (job_id) DO NOTHING")));
  jobs.queues.erase(jobs.queues.begin());
  const auto good = grade_queued(seen({row_of("/a", 20, 1'000)}), sites, jobs);
  EXPECT_EQ(good.result, grade::pass);
  EXPECT_THAT(good.evidence, Contains(HasSubstr("queue bills: 4 of 4 jobs that were run twice")));
}

TEST(point_6, of_jobs_whose_sql_was_not_seen_it_says_so) {
  jobs_evidence jobs;
  jobs.configured = true;
  jobs.queues = {{.name = "mails"}};
  jobs.queues[0].verified.not_seen = 5;
  const auto p = grade_queued({}, sites, jobs);
  EXPECT_EQ(p.result, grade::warn);
  EXPECT_THAT(p.evidence, Contains(HasSubstr("queue mails: 5 jobs were run twice, and none")));
  EXPECT_THAT(p.fix, Contains(HasSubstr("`traceparent`")));
  jobs.queues[0].verified.idempotent = 1;
  EXPECT_NE(grade_queued({}, sites, jobs).result, grade::warn);
}

row with_plain(std::uint64_t plain, std::uint64_t encoded) {
  auto r = row_of("/api/products", plain + encoded);
  r.counts.plain_answers = plain;
  r.counts.plain_bytes = plain * 4000;
  r.counts.encoded_answers = encoded;
  return r;
}

TEST(point_7, grades_the_share_left_uncompressed) {
  EXPECT_EQ(grade_compression(seen({with_plain(5, 95)}), sites).result, grade::pass);
  EXPECT_EQ(grade_compression(seen({with_plain(6, 94)}), sites).result, grade::warn);
  EXPECT_EQ(grade_compression(seen({with_plain(51, 49)}), sites).result, grade::fail);
  EXPECT_EQ(grade_compression(seen({with_plain(19, 0)}), sites).result, grade::not_seen);
}

TEST(point_7, the_fix_follows_what_is_off) {
  auto off = sites;
  off[0].compression = false;
  const auto p = grade_compression(seen({with_plain(100, 0)}), off);
  EXPECT_THAT(p.evidence.front(), HasSubstr("100 of 100 eligible answers (100 %)"));
  EXPECT_THAT(p.evidence.front(), HasSubstr("0.4 MB"));
  EXPECT_THAT(
      p.fix,
      ElementsAre("# http, site shop:",
                  "compression: { enabled: true, min_size: 1KiB, encodings: [zstd, br, gzip] }"));
  EXPECT_THAT(grade_compression(seen({}), off).evidence,
              Contains("compression is off for site shop"));
  EXPECT_THAT(grade_compression(seen({with_plain(100, 0)}), sites).fix,
              Contains(HasSubstr("no-transform")));
}

TEST(point_8, names_queues_whose_timeout_nobody_chose) {
  jobs_evidence jobs;
  jobs.configured = true;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
    jobs.queues.push_back({.name = name, .timeout = milliseconds{30'000}});
  EXPECT_THAT(grade_timeouts({}, {}, {}, jobs).evidence, Not(Contains(HasSubstr("built-in"))));
  for (auto& q : jobs.queues) q.timeout_is_default = q.name != "b";
  const auto p = grade_timeouts({}, {}, {}, jobs);
  EXPECT_EQ(p.result, grade::pass);
  EXPECT_THAT(p.evidence, Contains("queue b: an attempt lasts 30s"));
  EXPECT_THAT(p.evidence, Contains(HasSubstr("queues a, c, d, e, f and 1 more: an attempt lasts "
                                             "30s, the built-in default")));
}

TEST(point_8, grades_the_configuration) {
  EXPECT_EQ(grade_timeouts({}, {}).result, grade::not_seen);
  EXPECT_EQ(grade_timeouts({}, sites).result, grade::pass);
  EXPECT_THAT(grade_timeouts({}, sites).evidence, Contains(HasSubstr("no egress site")));
  auto bad = egress_sites();
  bad[0].timeouts[1].value = milliseconds{3'600'000};
  EXPECT_EQ(grade_timeouts({}, bad).result, grade::warn);
  bad[0].timeouts[0].finite = false;
  bad[0].upstreams = {"https://user:secret@api.example.com/x"};
  const auto p = grade_timeouts({}, bad);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence, ElementsAre("egress site shop to api.example.com/x: connect without end, "
                                      "total 1h"));
  EXPECT_THAT(p.fix, ElementsAre("# http, site shop:", "timeouts: { connect: 1s, total: 60s }"));
  bad[0].timeouts.clear();
  EXPECT_EQ(grade_timeouts({}, bad).result, grade::fail);
}

row writes(std::string_view path, std::uint64_t requests, std::uint64_t limited = 0) {
  auto r = row_of(path, requests, 2000, row_method::post);
  r.counts.state_changing = requests;
  r.counts.limited = limited;
  return r;
}

TEST(point_9, grades_routes_without_a_limit) {
  EXPECT_EQ(grade_rate_limits(seen({writes("/api/orders", 30)}), sites).result, grade::warn);
  EXPECT_EQ(grade_rate_limits(seen({row_of("/search", 30, 600'000)}), sites).result, grade::warn);
  const auto p = grade_rate_limits(seen({writes("/api/orders", 90), writes("/login", 30)}), sites);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence.front(), HasSubstr("POST /login: 30 requests without a rate limit"));
  EXPECT_EQ(p.fix[1], "- { match: POST /login, rate_limit: { rate: 10/m, burst: 5, key: ip } }");
}

TEST(point_9, passes_when_what_matters_is_limited) {
  EXPECT_EQ(grade_rate_limits(seen({writes("/login", 30, 30)}), sites).result, grade::pass);
  EXPECT_EQ(grade_rate_limits(seen({row_of("/a", 500)}), sites).result, grade::not_seen);
  EXPECT_EQ(grade_rate_limits(seen({writes("/login", 19)}), sites).result, grade::not_seen);
  EXPECT_EQ(grade_rate_limits(seen({writes("/login", 90)}), egress_sites()).result,
            grade::not_seen);
}

TEST(point_9, reads_the_path_of_a_named_route) {
  auto r = writes("", 30);
  r.route = "POST /oauth/token";
  const auto p = grade_rate_limits(seen({r}), sites);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.fix, ElementsAre("# http, site shop: in the route with match POST /oauth/token",
                                 "rate_limit: { rate: 10/m, burst: 5, key: ip }"));
}

TEST(points, tell_the_worst_few) {
  std::vector<row> rows;
  for (char c = 'a'; c < 'k'; ++c)
    rows.push_back(row_of(std::string("/") + c, 20, 1'100'000 + (c - 'a') * 500'000));
  const auto p = grade_queued(seen(rows), sites);
  EXPECT_EQ(p.result, grade::fail);
  ASSERT_EQ(p.evidence.size(), max_findings + 1);
  EXPECT_THAT(p.evidence.front(), HasSubstr("GET /j:"));
  EXPECT_EQ(p.evidence.back(), "and 5 more");
}

TEST(points, collecting_rows_are_not_graded) {
  auto other = writes("(other)", 500);
  other.method = row_method::not_of_path;
  other.counts.longest_list = 5000;
  other.counts.long_lists = other.counts.lists = 500;
  for (const auto& p : grade_all(seen({other}), sites).points)
    EXPECT_TRUE(p.result == grade::not_seen || p.number == 8) << p.number;
}

TEST(points, yaml_is_quoted_where_it_must_be) {
  EXPECT_EQ(yaml_text("GET /api/products/*"), "GET /api/products/*");
  EXPECT_EQ(yaml_text("GET,POST /x"), "\"GET,POST /x\"");
  EXPECT_EQ(yaml_text("127.0.0.1:8080"), "\"127.0.0.1:8080\"");
  EXPECT_EQ(yaml_text("a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(yaml_text(""), "\"\"");
  EXPECT_EQ(yaml_text("*x"), "\"*x\"");
}

TEST(report, has_every_point_in_the_contract_s_shape) {
  const auto body = nlohmann::json::parse(to_json(grade_all(seen({with_lists(5000)}), sites)));
  std::vector<int> numbers;
  for (const auto& p : body["points"]) {
    if (p["number"] != 0) numbers.push_back(p["number"]);
    EXPECT_EQ(p.size(), 5u);
    EXPECT_TRUE(p["title"].is_string() && p["evidence"].is_array() && p["fix"].is_array());
    EXPECT_THAT((std::vector<std::string>{"pass", "warn", "fail", "not_seen"}),
                Contains(p["grade"].get<std::string>()));
    EXPECT_FALSE(p["evidence"].empty()) << p["number"];
  }
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(body["points"].back()["grade"], "not_seen");
  EXPECT_THAT(body["points"].back()["evidence"][0].get<std::string>(), HasSubstr("sql plane"));
}

TEST(report, a_fault_of_fairing_is_point_0) {
  EXPECT_EQ(grade_all({}, {}).points.front().number, bug_count() == 0 ? 1 : 0);
  FAIRING_BUG("made_by_a_test");
  const auto p = grade_all({}, {}).points.front();
  EXPECT_EQ(p.number, 0);
  EXPECT_EQ(p.title, "Fairing itself");
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence, Contains(HasSubstr("made_by_a_test at points_test.cpp:")));
}

}  // namespace
}  // namespace fairing::checklist
