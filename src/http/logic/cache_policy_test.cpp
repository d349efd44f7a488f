#include "http/logic/cache_policy.hpp"

#include <gtest/gtest.h>

#include "codec/http1/date.hpp"
#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

using test::request;
using test::response;

constexpr wall_time wall{seconds{1'700'000'000}};

std::string date(int offset) {
  const auto d = http1::format_date(wall + seconds{offset});
  return {d.data(), d.size()};
}
std::string date_line(int offset) { return "Date: " + date(offset) + "\r\n"; }

struct judge {
  route_cache_config route;
  cache_rules rules;
  exchange_times times;
  judge() {
    rules.route = &route;
    times.request_sent = {mono_time{milliseconds{1000}}, wall};
    times.response_received = times.request_sent;
  }
  response_judgement operator()(std::string_view response_fields,
                                std::string_view request_fields = {},
                                std::string_view status = "200 OK") {
    rules.route = &route;
    return judge_response(request(request_fields).head, response(response_fields, status).head,
                          rules, times, 0.5);
  }
  // Would the answer be served right away, without asking?
  bool fresh(std::string_view response_fields, std::string_view status = "200 OK") {
    const auto j = (*this)(response_fields, {}, status);
    return j.store &&
           judge_hit(request().head, j.freshness, false, true, times.response_received.mono, 1.0)
                   .use == hit_use::serve;
  }
};

TEST(cache_policy, lifetimes_by_precedence) {
  judge j;
  EXPECT_EQ(j("Cache-Control: max-age=60\r\n").freshness.lifetime, milliseconds{60'000});
  EXPECT_EQ(j("Cache-Control: max-age=1, s-maxage=60\r\n").freshness.lifetime,
            milliseconds{60'000});
  EXPECT_EQ(j("Cache-Control: max-age=60\r\nExpires: 0\r\n").freshness.lifetime,
            milliseconds{60'000});
  EXPECT_EQ(j(date_line(0) + "Expires: " + date(30) + "\r\n").freshness.lifetime,
            milliseconds{30'000});
  EXPECT_EQ(j("Date: foo\r\nExpires: " + date(10) + "\r\n").freshness.lifetime,
            milliseconds{10'000});
  EXPECT_EQ(j("").reason, cache_reason::no_freshness);
  EXPECT_EQ(j("Cache-Control: max-age=99999999999999999999\r\n").freshness.lifetime,
            milliseconds{2147483648000});
  EXPECT_EQ(j("Cache-Control: MaX-aGe=003600\r\n").freshness.lifetime, milliseconds{3'600'000});
  EXPECT_EQ(j("Cache-Control: foobar, max-age=\"60\"\r\n").freshness.lifetime,
            milliseconds{60'000});
  EXPECT_EQ(j("Cache-Control: max-age=1800, max-age=1\r\n").freshness.lifetime, milliseconds{1000});
}

TEST(cache_policy, malformed_lifetimes_are_stale) {
  judge j;
  for (const auto* value : {"max-age=0", "max-age=-3600", "max-age='3600'", "max-age",
                            "max-age=a3600", "max-age=3600.0", "max-age =3600", "max-age= 3600",
                            "extension=\"max-age=3600\"", "extension=\"a, max-age=3600, b\""})
    EXPECT_FALSE(j.fresh("Cache-Control: " + std::string(value) + "\r\n")) << value;
  EXPECT_FALSE(j.fresh(date_line(0) + "Expires: 0\r\n"));
  EXPECT_FALSE(j.fresh(date_line(0) + "Expires: " + date(0) + "\r\n"));
  EXPECT_FALSE(j.fresh(date_line(400) + "Expires: " + date(300) + "\r\n"));
  EXPECT_EQ(j(date_line(0) + "Expires: 0\r\n").reason, cache_reason::expired);
  EXPECT_TRUE(j(date_line(0) + "Expires: 0\r\nETag: \"x\"\r\n").store);
}

TEST(cache_policy, age_counts) {
  judge j;
  const std::string hour = date_line(0) + "Cache-Control: max-age=3600\r\n";
  EXPECT_TRUE(j.fresh(hour + "Age: 30\r\n"));
  EXPECT_EQ(j(hour + "Age: 30\r\n").freshness.initial_age, seconds{30});
  for (const auto* age :
       {"Age: 7200", "Age: abc", "Age: -7200", "Age: 7200.0", "Age: 7200,0", "Age: 0, 0",
        "Age: 7200;foo=bar", "Age: 0\r\nAge: 7200", "Age: 0\r\nAge: 0", "Age:"})
    EXPECT_FALSE(j.fresh(hour + age + "\r\n")) << age;
  EXPECT_FALSE(j.fresh("Cache-Control: max-age=3600\r\n" + date_line(-7200)));
  EXPECT_FALSE(j.fresh(date_line(-10) + "Expires: " + date(10) + "\r\nAge: 25\r\n"));
  EXPECT_FALSE(j.fresh(date_line(10) + "Expires: " + date(20) + "\r\nAge: 15\r\n"));
  j.times.response_received.mono += milliseconds{2500};
  const auto slow = j(hour + "Age: 30\r\n").freshness;
  EXPECT_EQ(slow.initial_age, seconds{32});
  EXPECT_EQ(slow.fill_time, milliseconds{2500});
}

TEST(cache_policy, forbidden_answers) {
  judge j;
  const auto reason = [&](std::string_view fields, std::string_view req = {}) {
    const auto r = j(fields, req);
    EXPECT_EQ(r.store, r.reason == cache_reason::none);
    return r.reason;
  };
  using enum cache_reason;
  EXPECT_EQ(reason("Cache-Control: max-age=60, No-StOrE\r\n"), no_store);
  EXPECT_EQ(reason("Cache-Control: private, max-age=60\r\n"), is_private);
  EXPECT_EQ(reason("Cache-Control: private=\"x-user\", max-age=60\r\n"), none);
  EXPECT_EQ(reason("Cache-Control: private=\"x-user, max-age=60\r\n"), is_private);  // unclosed
  EXPECT_EQ(reason("Cache-Control: max-age=60\r\nVary: , *\r\n"), vary_star);
  EXPECT_EQ(reason("Cache-Control: max-age=60\r\n", "Cache-Control: no-store\r\n"),
            request_no_store);
  const std::string auth = "Authorization: Basic x\r\n";
  EXPECT_EQ(reason("Cache-Control: max-age=60\r\n", auth), authorization);
  EXPECT_EQ(reason("Cache-Control: max-age=60, public\r\n", auth), none);
  EXPECT_EQ(reason("Cache-Control: max-age=60, must-revalidate\r\n", auth), none);
  EXPECT_EQ(reason("Cache-Control: s-maxage=60\r\n", auth), none);
  const std::string cookie_line = "Cookie: a=b\r\n";
  EXPECT_EQ(reason("Cache-Control: max-age=60\r\n", cookie_line), cookie);
  EXPECT_EQ(reason("Cache-Control: max-age=60, must-revalidate\r\n", cookie_line), cookie);
  EXPECT_EQ(reason("Cache-Control: max-age=60, public\r\n", cookie_line), none);
  j.route.share_with_cookie = true;
  EXPECT_EQ(reason("Cache-Control: max-age=60\r\n", cookie_line), none);
}

TEST(cache_policy, answers_that_set_cookies) {
  judge j;
  const std::string sets = "Set-Cookie: a=b\r\n";
  EXPECT_EQ(j(sets + "Cache-Control: max-age=60\r\n").reason, cache_reason::set_cookie);
  EXPECT_EQ(j(sets + "Cache-Control: max-age=60, public\r\n").reason, cache_reason::set_cookie);
  EXPECT_EQ(j(sets + "Cache-Control: s-maxage=60\r\n").reason, cache_reason::set_cookie);
  EXPECT_TRUE(j(sets + "Cache-Control: max-age=60, no-cache=\"Set-Cookie\"\r\n").store);
  j.route.ttl = milliseconds{60'000};
  j.route.override_ttl = true;
  EXPECT_EQ(j(sets).reason, cache_reason::set_cookie);  // nothing beats it
  EXPECT_EQ(j("Cache-Control: no-store\r\n").reason, cache_reason::no_store);
  EXPECT_EQ(j("", "Authorization: x\r\n").reason, cache_reason::authorization);
}

TEST(cache_policy, statuses) {
  judge j;
  const std::string hour = "Cache-Control: max-age=3600\r\n";
  for (const auto* s :
       {"200 OK", "299 Whatever", "302 Found", "404 Not Found", "503 Unavailable", "599 Whatever"})
    EXPECT_TRUE(j.fresh(hour, s)) << s;
  EXPECT_EQ(j(hour, {}, "206 Partial Content").reason, cache_reason::range_request);
  EXPECT_EQ(j(hour, {}, "304 Not Modified").reason, cache_reason::status);
  EXPECT_EQ(j(hour, "Range: bytes=0-1\r\n", "404 Not Found").reason, cache_reason::range_request);
  EXPECT_EQ(j("Cache-Control: max-age=60, must-understand\r\n", {}, "599 Whatever").reason,
            cache_reason::must_understand);
  EXPECT_TRUE(j.fresh("Cache-Control: max-age=60, must-understand, no-store\r\n"));
  EXPECT_EQ(j("", {}, "403 Forbidden").reason, cache_reason::status);
}

TEST(cache_policy, heuristic_only_when_on) {
  judge j;
  const auto fields = date_line(0) + "Last-Modified: " + date(-86400) + "\r\n";
  EXPECT_EQ(j(fields).reason, cache_reason::no_freshness);
  j.rules.heuristic = true;
  for (const auto* s :
       {"200 OK", "203 X", "204 No Content", "404 X", "405 X", "410 X", "414 X", "501 X"})
    EXPECT_EQ(j(fields, {}, s).freshness.lifetime, milliseconds{8'640'000}) << s;
  for (const auto* s : {"201 X", "202 X", "403 X", "502 X", "503 X", "504 X", "599 X"})
    EXPECT_EQ(j(fields, {}, s).reason, cache_reason::status) << s;
  EXPECT_TRUE(j.fresh(fields + "Cache-Control: public\r\n", "599 X"));
  const auto old = date_line(0) + "Last-Modified: " + date(-864000000) + "\r\n";
  EXPECT_EQ(j(old).freshness.lifetime, milliseconds{86'400'000});
}

TEST(cache_policy, route_ttl) {
  judge j;
  j.route.ttl = milliseconds{10'000};
  EXPECT_EQ(j("").freshness.lifetime, milliseconds{9500});  // jitter 10 %, random 0.5
  EXPECT_EQ(j("Cache-Control: max-age=60\r\n").freshness.lifetime, milliseconds{60'000});
  EXPECT_EQ(j("", {}, "404 Not Found").reason, cache_reason::no_freshness);
  EXPECT_EQ(j("", {}, "500 X").reason, cache_reason::status);
  EXPECT_TRUE(j.fresh("Age: 100\r\n"));  // counts from arrival
  j.route.negative_ttl = milliseconds{1000};
  EXPECT_EQ(j("", {}, "404 Not Found").freshness.lifetime, milliseconds{950});
  EXPECT_EQ(j("", {}, "503 X").freshness.lifetime, milliseconds{950});
  j.route.override_ttl = true;
  EXPECT_EQ(j("Cache-Control: max-age=60\r\n").freshness.lifetime, milliseconds{9500});
  j.rules.mode = rule_mode::observe;
  const auto observed = j("");
  EXPECT_FALSE(observed.store);
  EXPECT_EQ(observed.reason, cache_reason::mode_off);
  EXPECT_EQ(observed.freshness.lifetime, milliseconds{9500});
}

TEST(cache_policy, cdn_cache_control_wins_whole) {
  judge j;
  EXPECT_EQ(j("CDN-Cache-Control: max-age=60\r\nCache-Control: no-store\r\n").freshness.lifetime,
            milliseconds{60'000});
  EXPECT_EQ(j("CDN-Cache-Control: no-store\r\nCache-Control: max-age=60\r\n").reason,
            cache_reason::no_store);
  EXPECT_EQ(j("CDN-Cache-Control: private\r\nCache-Control: max-age=60\r\n").reason,
            cache_reason::is_private);
  // Not a dictionary: ignored as a whole. A directive of the wrong type: that one is ignored.
  EXPECT_EQ(j("CDN-Cache-Control: max-age=\r\nCache-Control: max-age=5\r\n").freshness.lifetime,
            milliseconds{5000});
  EXPECT_EQ(j("CDN-Cache-Control: MaX-aGe=60\r\nCache-Control: max-age=5\r\n").freshness.lifetime,
            milliseconds{5000});
  EXPECT_EQ(j("CDN-Cache-Control: max-age=\"60\"\r\nCache-Control: max-age=5\r\n").reason,
            cache_reason::no_freshness);
  EXPECT_EQ(j("CDN-Cache-Control: max-age=60.0\r\nCache-Control: max-age=5\r\n").reason,
            cache_reason::no_freshness);
  EXPECT_EQ(j("CDN-Cache-Control: max-age=-5\r\nETag: \"x\"\r\n").freshness.lifetime,
            milliseconds{0});
  EXPECT_EQ(j("CDN-Cache-Control: max-age=60;x=1, no-store=?0\r\n").freshness.lifetime,
            milliseconds{60'000});
  EXPECT_EQ(j("CDN-Cache-Control: max-age=99999999999\r\n").freshness.lifetime,
            milliseconds{2147483648000});
  EXPECT_TRUE(j("CDN-Cache-Control: max-age=60\r\nExpires: 0\r\n").store);
  const auto qualified = response("CDN-Cache-Control: no-cache=\"X-A, b\", max-age=1\r\n");
  EXPECT_EQ(parse_cdn_directives(qualified.head).no_cache_fields,
            (std::vector<std::string>{"x-a", "b"}));
  j.rules.cdn_cache_control = false;
  EXPECT_EQ(j("CDN-Cache-Control: max-age=60\r\nCache-Control: no-store\r\n").reason,
            cache_reason::no_store);
}

TEST(cache_policy, surrogate_control) {
  judge j;
  const auto lifetime = [&](const std::string& fields) { return j(fields).freshness.lifetime; };
  const std::string short_lived = "Cache-Control: max-age=5\r\n";
  EXPECT_EQ(lifetime("Surrogate-Control: foo, MaX-aGe=60\r\n" + short_lived), milliseconds{60'000});
  EXPECT_EQ(lifetime("Surrogate-Control: max-age=60\r\nCache-Control: private\r\n"),
            milliseconds{60'000});
  EXPECT_EQ(j("Surrogate-Control: no-store\r\n" + short_lived).reason, cache_reason::no_store);
  // By name: the one that is ours counts before what is said to all, others' not at all.
  EXPECT_EQ(lifetime("Surrogate-Control: max-age=60, max-age=90;fairing, max-age=9;other\r\n"),
            milliseconds{90'000});
  EXPECT_EQ(lifetime("Surrogate-Control: max-age=60;other\r\n" + short_lived), milliseconds{5000});
  // It says nothing about storing, or CDN-Cache-Control is there.
  EXPECT_EQ(lifetime("Surrogate-Control: content=\"ESI/1.0\"\r\n" + short_lived),
            milliseconds{5000});
  EXPECT_EQ(lifetime("CDN-Cache-Control: max-age=7\r\nSurrogate-Control: max-age=60\r\n"),
            milliseconds{7000});
  const auto windows = j("Surrogate-Control: max-age=60+30\r\n").freshness;
  EXPECT_EQ(windows.lifetime, milliseconds{60'000});
  EXPECT_EQ(windows.swr, milliseconds{30'000});
}

TEST(cache_policy, keeps_for_the_longest_window) {
  judge j;
  const auto f =
      j("Cache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=600\r\n").freshness;
  EXPECT_EQ(keep_for(f, f.stored), milliseconds{660'000});
  EXPECT_EQ(keep_for(f, f.stored + milliseconds{700'000}), milliseconds{0});
  const auto v = j("Cache-Control: no-cache\r\nETag: \"x\"\r\n").freshness;
  EXPECT_EQ(keep_for(v, v.stored), milliseconds{600'000});
}

TEST(cache_policy, unsafe_methods_invalidate) {
  EXPECT_TRUE(invalidates(http1::method::post, 200));
  EXPECT_TRUE(invalidates(http1::method::other, 303));
  EXPECT_FALSE(invalidates(http1::method::post, 500));
  EXPECT_FALSE(invalidates(http1::method::get, 200));
  EXPECT_FALSE(invalidates(http1::method::options, 200));
}

TEST(cache_policy, every_reason_has_a_word) {
  for (int i = 0; i <= static_cast<int>(cache_reason::ambiguous); ++i)
    EXPECT_NE(to_string(static_cast<cache_reason>(i)), "unknown");
}

}  // namespace
}  // namespace fairing::http
