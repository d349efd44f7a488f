#include <gtest/gtest.h>

#include "http/logic/cache_policy.hpp"
#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

using test::request;

constexpr mono_time start{milliseconds{1'000'000}};

freshness minute() {
  freshness f;
  f.stored = start;
  f.lifetime = milliseconds{60'000};
  return f;
}

hit_use use(const freshness& f, int at_ms, std::string_view fields = {}, bool purged = false,
            bool honour = true) {
  return judge_hit(request(fields).head, f, purged, honour, start + milliseconds{at_ms}, 1.0).use;
}

TEST(hit_policy, fresh_until_its_lifetime) {
  EXPECT_EQ(use(minute(), 59'999), hit_use::serve);
  EXPECT_EQ(use(minute(), 60'000), hit_use::revalidate);
  auto aged = minute();
  aged.initial_age = seconds{30};
  EXPECT_EQ(use(aged, 30'000), hit_use::revalidate);
  auto asked = minute();
  asked.no_cache = true;
  EXPECT_EQ(use(asked, 0), hit_use::revalidate);
}

TEST(hit_policy, request_directives) {
  EXPECT_EQ(use(minute(), 10, "Cache-Control: no-cache\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 10, "Pragma: no-cache\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 10, "Pragma: no-cache\r\nCache-Control: max-age=5\r\n"), hit_use::serve);
  EXPECT_EQ(use(minute(), 0, "Cache-Control: max-age=0\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 6000, "Cache-Control: max-age=5\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 6000, "Cache-Control: min-fresh=55\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 4000, "Cache-Control: min-fresh=55\r\n"), hit_use::serve);
  EXPECT_EQ(use(minute(), 10, "Cache-Control: no-cache\r\n", false, false), hit_use::serve);
  EXPECT_TRUE(
      judge_hit(request("Cache-Control: no-cache\r\n").head, minute(), false, true, start, 1.0)
          .request_forced);
  EXPECT_EQ(use(minute(), 70'000, "Cache-Control: only-if-cached\r\n"), hit_use::unsatisfiable);
  EXPECT_EQ(use(minute(), 10, "Cache-Control: only-if-cached\r\n"), hit_use::serve);
}

TEST(hit_policy, credentials_that_may_not_have_a_fresh_answer_are_the_requests_doing) {
  const auto judged = [](std::string_view fields, std::int64_t after_ms, bool purged = false) {
    return judge_hit(request(fields).head, minute(), purged, true, start + milliseconds{after_ms},
                     1.0);
  };
  const auto fresh = judged("Authorization: x\r\nCookie: a=b\r\n", 10);
  EXPECT_EQ(fresh.use, hit_use::revalidate);
  EXPECT_TRUE(fresh.request_forced);
  EXPECT_EQ(fresh.refused, cache_reason::authorization);
  EXPECT_EQ(judged("Cookie: a=b\r\n", 10).refused, cache_reason::cookie);
  EXPECT_FALSE(judged("Cookie: a=b\r\n", 70'000).request_forced) << "stale for anybody";
  EXPECT_FALSE(judged("Cookie: a=b\r\n", 10, true).request_forced);
  EXPECT_EQ(judged("", 70'000).refused, cache_reason::none);
}

TEST(hit_policy, ttl_is_negative_for_what_is_stale) {
  EXPECT_EQ(ttl_of(minute(), false, start + milliseconds{10'000}), seconds{50});
  EXPECT_EQ(ttl_of(minute(), false, start + milliseconds{60'100}), seconds{-1});
  EXPECT_EQ(ttl_of(minute(), true, start + milliseconds{10'000}), seconds{-1});
  EXPECT_EQ(ttl_of(minute(), true, start + milliseconds{70'000}), seconds{-10});
}

TEST(hit_policy, stale_only_inside_a_stated_window) {
  auto f = minute();
  f.swr = milliseconds{30'000};
  EXPECT_EQ(use(f, 89'999), hit_use::serve_stale);
  EXPECT_EQ(use(f, 90'000), hit_use::revalidate);
  EXPECT_EQ(use(f, 10, {}, true), hit_use::serve_stale);
  EXPECT_EQ(use(minute(), 10, {}, true), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 70'000, "Cache-Control: max-stale=20\r\n"), hit_use::serve_stale);
  EXPECT_EQ(use(minute(), 90'000, "Cache-Control: max-stale=20\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 990'000, "Cache-Control: max-stale\r\n"), hit_use::serve_stale);
  auto strict = minute();
  strict.must_revalidate = true;
  EXPECT_EQ(use(strict, 70'000, "Cache-Control: max-stale\r\n"), hit_use::revalidate);
}

TEST(hit_policy, windows_of_an_answer) {
  const auto windows = [](std::string_view cc) {
    route_cache_config route;
    route.stale_while_revalidate = milliseconds{5000};
    cache_rules rules;
    rules.route = &route;
    exchange_times t;
    t.response_received.mono = t.request_sent.mono = start;
    return judge_response(
               request().head,
               test::response("ETag: \"x\"\r\nCache-Control: " + std::string(cc) + "\r\n").head,
               rules, t, 0)
        .freshness;
  };
  EXPECT_EQ(windows("max-age=1").swr, milliseconds{5000});
  EXPECT_EQ(windows("max-age=1, stale-while-revalidate=7").swr, milliseconds{7000});
  for (const auto* cc :
       {"max-age=1, must-revalidate, stale-while-revalidate=7",
        "max-age=1, proxy-revalidate, stale-if-error=7", "max-age=1, no-cache", "s-maxage=1"}) {
    EXPECT_EQ(windows(cc).swr, milliseconds{0}) << cc;
    EXPECT_EQ(windows(cc).sie, milliseconds{0}) << cc;
  }
  const auto shared = windows("s-maxage=1, stale-while-revalidate=7");
  EXPECT_EQ(shared.swr, milliseconds{7000});
  EXPECT_TRUE(shared.must_revalidate);
}

TEST(hit_policy, cookies_and_credentials_ask_first) {
  EXPECT_EQ(use(minute(), 10, "Cookie: a=b\r\n"), hit_use::revalidate);
  EXPECT_EQ(use(minute(), 10, "Authorization: x\r\n"), hit_use::revalidate);
  auto f = minute();
  f.cookie_ok = true;
  EXPECT_EQ(use(f, 10, "Cookie: a=b\r\n"), hit_use::serve);
  f.authorization_ok = true;
  EXPECT_EQ(use(f, 10, "Authorization: x\r\n"), hit_use::serve);
}

TEST(hit_policy, early_refresh) {
  auto f = minute();
  f.fill_time = milliseconds{1000};
  f.early_refresh_beta = 1;
  const auto at = [&](int ms, double random) {
    return judge_hit(request().head, f, false, true, start + milliseconds{ms}, random).use;
  };
  EXPECT_EQ(at(1000, 1e-16), hit_use::serve);
  EXPECT_EQ(at(59'000, 0.5), hit_use::serve);  // reaches 693 ms
  EXPECT_EQ(at(59'400, 0.5), hit_use::serve_refresh);
  EXPECT_EQ(at(59'999, 1.0), hit_use::serve);
  f.early_refresh_beta = 0;
  EXPECT_EQ(at(59'999, 1e-16), hit_use::serve);
}

TEST(hit_policy, errors) {
  const auto may = [](const freshness& f, int ms, std::string_view fields = {},
                      bool purged = false) {
    return may_serve_on_error(request(fields).head, f, purged, start + milliseconds{ms});
  };
  auto f = minute();
  EXPECT_FALSE(may(f, 70'000));
  EXPECT_TRUE(may(f, 70'000, "Cache-Control: stale-if-error=20\r\n"));
  f.sie = milliseconds{15'000};
  EXPECT_TRUE(may(f, 70'000));
  EXPECT_FALSE(may(f, 80'000));
  EXPECT_TRUE(may(f, 10, {}, true));
  EXPECT_FALSE(may(f, 70'000, "Cookie: a=b\r\n"));
  f.no_cache = true;
  EXPECT_FALSE(may(f, 70'000));
}

TEST(hit_policy, requests) {
  route_cache_config route;
  cache_rules rules;
  rules.route = &route;
  const auto judge = [&](std::string_view fields, std::string_view line = "GET /a") {
    return judge_request(request(fields, line).head, rules);
  };
  EXPECT_EQ(judge(""), cache_reason::none);
  EXPECT_EQ(judge("", "HEAD /a"), cache_reason::none);
  EXPECT_EQ(judge("", "POST /a"), cache_reason::method);
  EXPECT_EQ(judge("Content-Length: 2\r\n"), cache_reason::method);
  EXPECT_EQ(judge("Cache-Control: no-store\r\n"), cache_reason::request_no_store);
  EXPECT_EQ(judge("Connection: keep-alive, close, TE\r\n"), cache_reason::none);
  EXPECT_EQ(judge("Connection: x-foo\r\n"), cache_reason::ambiguous);
  EXPECT_EQ(judge("", "GET /a/../b"), cache_reason::ambiguous);
  EXPECT_EQ(judge("", "GET /a/%2e%2E/b"), cache_reason::ambiguous);
  EXPECT_EQ(judge("", "GET /a/..b/.c"), cache_reason::none);
  EXPECT_EQ(judge("Connection: upgrade\r\nUpgrade: websocket\r\n"), cache_reason::upgrade);
  rules.mode = rule_mode::off;
  EXPECT_EQ(judge(""), cache_reason::mode_off);
}

}  // namespace
}  // namespace fairing::http
