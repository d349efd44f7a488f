#include "app/config/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const test_source plain;

TEST(decode, unknown_key_names_the_nearest) {
  EXPECT_THAT(
      plain.errors("http:\n  listen: 8080\n  upstream: http://127.0.0.1:3000\n  cahce: off\n"),
      ElementsAre("fairing.yaml:4:3: unknown key `http.cahce`; did you mean `cache`?"));
  EXPECT_THAT(
      plain.errors("http:\n  - listen: 8080\n    upstream: http://127.0.0.1:3000\n    timeouts: { "
                   "conect: 1s }\n"),
      ElementsAre(
          "fairing.yaml:4:17: unknown key `http.0.timeouts.conect`; did you mean `connect`?"));
}

TEST(decode, unknown_key_at_the_wrong_depth_names_its_home) {
  EXPECT_THAT(
      plain.errors(good_site + "drop_query: [a]\n"),
      ElementsAre("fairing.yaml:2:1: unknown key `drop_query`; it is a key of `http[].cache.key`"));
  EXPECT_THAT(
      plain.errors("http: { listen: 1, upstream: http://h, trusted_proxies: [] }\n"),
      ElementsAre(
          "fairing.yaml:1:40: unknown key `http.trusted_proxies`; it is a key of the top level"));
}

TEST(decode, unknown_key_like_no_other_lists_what_is_known) {
  EXPECT_THAT(
      plain.errors(good_site + "cache: { zzzzzz: 1 }\n"),
      ElementsAre(
          "fairing.yaml:2:10: unknown key `cache.zzzzzz`; known here: memory, shared, edge"));
}

TEST(decode, duplicates_are_errors) {
  EXPECT_THAT(
      plain.errors(good_site + "cache: { memory: 8MiB }\ncache: { memory: 9MiB }\n"),
      ElementsAre("fairing.yaml:3:1: `cache` is written twice; the first is at fairing.yaml:2:1"));
  EXPECT_THAT(
      plain.errors("http:\n  listen: 1\n  upstream: http://h\n  listen: 2\n"),
      ElementsAre(
          "fairing.yaml:4:3: `http.listen` is written twice; the first is at fairing.yaml:2:3"));
}

TEST(decode, bad_values_say_what_is_good) {
  const auto one = [](const std::string& line) { return plain.errors(good_site + line); };
  EXPECT_THAT(one("cache: { memory: 64Mb }"),
              ElementsAre("fairing.yaml:2:18: `cache.memory`: `64Mb` is not a size; write 512B, "
                          "64KiB, 256MiB or 1GiB"));
  EXPECT_THAT(
      one("cache: { memory: 1MiB }"),
      ElementsAre("fairing.yaml:2:18: `cache.memory`: `1MiB` must be between 4MiB and 1024GiB"));
  EXPECT_THAT(one("runtime: { threads: -1 }"),
              ElementsAre("fairing.yaml:2:21: `runtime.threads`: `-1` is not a whole number; write "
                          "one from 0 to 1024"));
  EXPECT_THAT(one("runtime: { log: { level: inof } }"),
              ElementsAre("fairing.yaml:2:26: `runtime.log.level`: `inof` is not one of debug, "
                          "info, warn, error, off; "
                          "did you mean `info`?"));
  EXPECT_THAT(one("runtime: { drain: { timeout: 30 } }"),
              ElementsAre("fairing.yaml:2:30: `runtime.drain.timeout`: `30` is not a duration; "
                          "write 250ms, 5s, 1m30s or 2h"));
  EXPECT_THAT(
      one("runtime: { access_log: { buffered: maybe } }"),
      ElementsAre(
          "fairing.yaml:2:36: `runtime.access_log.buffered`: `maybe` is not true or false"));
  EXPECT_THAT(one("trusted_proxies: [10.0.0.0/8, 10.0.0.0/33]"),
              ElementsAre("fairing.yaml:2:18: `trusted_proxies`: `10.0.0.0/33` is not a network; "
                          "write 10.0.0.0/8 or ::1/128"));
  EXPECT_THAT(
      one("admin: { listen: nowhere }"),
      ElementsAre("fairing.yaml:2:18: `admin.listen`: `nowhere` is no listen address; write PORT "
                  "(0 to 65535), HOST:PORT or unix:PATH, or off"));
  EXPECT_THAT(
      one("admin: { token: short }"),
      ElementsAre(
          "fairing.yaml:2:17: `admin.token`: a token has at least 16 characters and no space; "
          "`openssl rand -hex 32` makes a good one"));
}

TEST(decode, bad_values_of_a_site) {
  const auto one = [](const std::string& more) {
    return plain.errors("http:\n  listen: 1\n  upstream: http://h\n  " + more);
  };
  EXPECT_THAT(
      one("retry: { budget: 200% }"),
      ElementsAre(
          "fairing.yaml:4:20: `http.retry.budget`: `200%` is not a share; write 10% or 0.1"));
  EXPECT_THAT(one("compression: { encodings: [gzp] }"),
              ElementsAre("fairing.yaml:4:29: `http.compression.encodings`: holds `gzp`, which is "
                          "not one of identity, gzip, br, "
                          "zstd; did you mean `gzip`?"));
  EXPECT_THAT(one("routes: [ { match: GET /a, rate_limit: 10 } ]"),
              ElementsAre("fairing.yaml:4:42: `http.routes.0.rate_limit.rate`: `10` is not a rate; "
                          "write 10/m, 100/s or 20/10s"));
  EXPECT_THAT(one("routes: [ { match: /a, rate_limit: { rate: 1/s, burst: 0 } } ]"),
              ElementsAre("fairing.yaml:4:58: `http.routes.0.rate_limit.burst`: `0` must be "
                          "between 1 and 1000000"));
  EXPECT_THAT(one("routes: [ { match: /a, rate_limit: { rate: 1/s, key: user } } ]"),
              ElementsAre("fairing.yaml:4:56: `http.routes.0.rate_limit.key`: the key of a limit "
                          "is ip, header:NAME or cookie:NAME"));
  EXPECT_THAT(one("routes: [ { match: /a, async: { principal: user } } ]"),
              Contains("fairing.yaml:4:46: `http.routes.0.async.principal`: a principal is "
                       "header:NAME, cookie:NAME or ip"));
}

TEST(decode, wrong_types) {
  EXPECT_THAT(plain.errors(good_site + "runtime: [1]"),
              ElementsAre("fairing.yaml:2:10: `runtime` is a mapping of keys, not a list; known "
                          "here: threads, dir, log, "
                          "access_log, drain"));
  EXPECT_THAT(plain.errors(good_site + "runtime: { threads: [1, 2] }"),
              ElementsAre("fairing.yaml:2:21: `runtime.threads`: is one value, not a list"));
  EXPECT_THAT(plain.errors("- a\n- b\n"),
              ElementsAre("fairing.yaml:1:1: the file is a mapping of keys, not a list"));
  EXPECT_THAT(plain.errors("http: { listen: 1, upstream: { weight: 2 } }"),
              ElementsAre("fairing.yaml:1:30: `http.upstream` has no `url`, which it needs: "
                          "`http://HOST:PORT[/BASE]`, `https://HOST` or "
                          "`unix:PATH`."));
}

TEST(decode, all_errors_of_a_file_in_order) {
  EXPECT_THAT(
      plain.errors(
          "runtime: { threds: 1 }\nhttp:\n  - listen: 99999\n    upstream: ftp://x\nsql: {}\n"),
      ElementsAre(
          "fairing.yaml:1:12: unknown key `runtime.threds`; did you mean `threads`?",
          "fairing.yaml:3:13: `http.0.listen`: `99999` is no listen address; write PORT (0 "
          "to 65535), HOST:PORT or unix:PATH",
          "fairing.yaml:4:15: `http.0.upstream.url`: `ftp://x` is none: an upstream is "
          "http://HOST:PORT, "
          "https://HOST or unix:PATH",
          testing::HasSubstr("fairing.yaml:5:6: `sql` has no `listen`, which it needs: "),
          testing::HasSubstr("fairing.yaml:5:6: `sql` has no `upstream`, which it needs: ")));
}

TEST(decode, shorthands) {
  const auto c = plain.load(
      "admin: off\nruntime: { log: warn, access_log: stderr }\n"
      "http:\n  listen: 8080\n  upstream: [ http://a:1, { url: http://b:2/base/, weight: 3 } ]\n  "
      "compression: off\n"
      "  cache: observe\n  health: /up\n  timeouts: 5s\n  purge_from: 10.0.0.0/8\n"
      "  routes:\n    - { match: 'GET,POST /x/*', cache: off, rate_limit: 20/10s }\n");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  EXPECT_EQ(c.value.admin.listen, "off");
  EXPECT_EQ(c.value.runtime.log.level, log::level::warn);
  EXPECT_EQ(c.value.runtime.access_log.to, "stderr");
  const auto& s = c.value.http.at(0);
  EXPECT_EQ(s.listen, "127.0.0.1:8080");
  EXPECT_EQ(s.name, "127.0.0.1:8080");
  ASSERT_EQ(s.upstreams.size(), 2U);
  EXPECT_EQ(s.upstreams[0].host, "a");
  EXPECT_EQ(s.upstreams[1].port, 2);
  EXPECT_EQ(s.upstreams[1].base_path, "/base");
  EXPECT_EQ(s.upstreams[1].weight, 3U);
  EXPECT_FALSE(s.compression.enabled);
  EXPECT_EQ(s.cache.mode, http::rule_mode::observe);
  EXPECT_EQ(s.health.path, "/up");
  EXPECT_EQ(s.timeouts.total, milliseconds{5000});
  EXPECT_THAT(s.purge_from, ElementsAre("10.0.0.0/8"));
  const auto& r = s.routes.at(0);
  EXPECT_THAT(r.methods, ElementsAre("GET", "POST"));
  EXPECT_EQ(r.path, "/x/*");
  EXPECT_EQ(r.cache.mode, http::rule_mode::off);
  ASSERT_TRUE(r.rate_limit.has_value());
  EXPECT_EQ(r.rate_limit->limit.count, 20U);
  EXPECT_EQ(r.rate_limit->limit.period, milliseconds{10'000});
}

TEST(decode, matches) {
  const auto one = [](const std::string& route) {
    return plain.load("http: { listen: 1, upstream: http://h, routes: [ " + route + " ] }");
  };
  const auto c = one("{ match: 'GET,POST /api/*/items/**', host: shop.example }");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  EXPECT_THAT(c.value.http.at(0).routes.at(0).methods, ElementsAre("GET", "POST"));
  EXPECT_EQ(c.value.http.at(0).routes.at(0).path, "/api/*/items/**");
  EXPECT_EQ(c.value.http.at(0).routes.at(0).host, "shop.example");
  for (const auto* bad : {"{ match: get /x }", "{ match: x }", "{ match: /a/**/b }"}) {
    const auto errors = test_source::texts(one(bad).errors);
    ASSERT_EQ(errors.size(), 1U) << bad;
    EXPECT_TRUE(errors[0].starts_with("fairing.yaml:1:59: `http.routes.0.match`: ")) << errors[0];
  }
  EXPECT_THAT(test_source::texts(one("{ match: /x, host: 'a:80' }").errors),
              ElementsAre("fairing.yaml:1:69: `http.routes.0.host`: a host is a name or address, "
                          "without scheme, port and path"));
}

TEST(decode, the_example_of_every_plane_names_what_is_not_here_yet) {
  const test_source s{{{"FASTLY_TOKEN", "t"},
                       {"DATABASE_URL", "postgres://u:p@h"},
                       {"WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
                      {}};
  const std::string text =
      "runtime:  { threads: 0, log: { level: info, format: json } }\n"
      "instance: { id: a, count: 1 }                 # how many Fairings share this work\n"
      "admin:    { listen: 127.0.0.1:9900 }\n"
      "keyring:  ${file:CMakeLists.txt}              # any file that is there\n"
      "trusted_proxies: [127.0.0.1/32]\n"
      "cache:\n"
      "  memory: 256MiB\n"
      "  shared: redis://127.0.0.1:6379/0\n"
      "  edge:   { provider: fastly, service: s, token: ${FASTLY_TOKEN}, fetch: null }\n"
      "http:\n"
      "  - listen: 127.0.0.1:8080                    # tls: {cert, key}\n"
      "    upstream: http://127.0.0.1:3000\n"
      "    timeouts: { connect: 1s, first_byte: 15s, idle: 60s, total: 60s }\n"
      "    limits: { header: 64KiB, body: 64MiB, object: 8MiB }\n"
      "    compression: { min_size: 1KiB, encodings: [zstd, br, gzip] }\n"
      "    cache: { heuristic: off, key: { drop_query: [utm_*] } }\n"
      "    routes:\n"
      "      - match: GET /api/products/**\n"
      "        cache: { ttl: 5m, stale_while_revalidate: 30s, stale_if_error: 10m, tags: "
      "[products], invalidate_by: sql, "
      "on_write: invalidate, vary: [accept-language], mode: on }\n"
      "        timeout: 5s\n"
      "      - { match: POST /login, rate_limit: { rate: 10/m, burst: 5, key: ip } }\n"
      "      - { match: /reports/**, async: { mode: prefer, queue: reports } }\n"
      "  - { listen: 127.0.0.1:8443, upstream: https://api.example.com, egress: true, timeouts: { "
      "total: 3s }, retry: { budget: 10% } }\n"
      "sql:\n  listen: 127.0.0.1:6432\n  session_listen: 127.0.0.1:6433\n  upstream: "
      "${DATABASE_URL}\n"
      "  users: []\n  pool: { mode: transaction, size: auto, database_cores: auto, spindles: 1, "
      "wait_timeout: 10s, idle_timeout: 10m, max_lifetime: 1h, max_pinned: 50% }\n"
      "  changes: stats\n  n_plus_one: { detect: true, eliminate: off }\n"
      "  cache: [ { tables: [products], ttl: 60s } ]\n  slow: 100ms\n"
      "redis:\n  listen: 127.0.0.1:6380\n"
      "jobs:\n  listen: 127.0.0.1:9324\n  store: sqlite:fairing-jobs.db\n  sqs: { access_keys: [] "
      "}\n"
      "  queues:\n    - { name: emails, push: http://127.0.0.1:3000/jobs/emails, secret: "
      "${WEBHOOK_SECRET}, timeout: 30s, attempts: [0s, 1m, 5m, 30m], concurrency: 20 }\n";
  const auto later = [](const std::string& where, const std::string& key) {
    return where + ": `" + key + "` is not in this version of Fairing (0.1.0); remove it";
  };
  EXPECT_THAT(
      s.errors(text),
      ElementsAre(later("fairing.yaml:4:1", "keyring"), later("fairing.yaml:8:3", "cache.shared"),
                  later("fairing.yaml:9:3", "cache.edge"),
                  later("fairing.yaml:19:95", "http.0.routes.0.cache.invalidate_by"),
                  later("fairing.yaml:19:115", "http.0.routes.0.cache.on_write"),
                  later("fairing.yaml:30:3", "sql.changes"),
                  later("fairing.yaml:32:3", "sql.cache"), later("fairing.yaml:34:1", "redis")));
}

TEST(decode, sqs_keys_and_names) {
  const std::string jobs = "jobs: { listen: 9324, store: 'sqlite:j.db', sqs: { ";
  const auto c = plain.load(jobs +
                            "access_keys: [ { id: AKIA1, secret: 0123456789abcdef+/ } ], account: "
                            "'123456789012', url: https://sqs.example.com, max_delay: 1d } }");
  EXPECT_THAT(test_source::texts(c.errors), IsEmpty());
  ASSERT_EQ(c.value.jobs->sqs.access_keys.size(), 1U);
  EXPECT_EQ(c.value.jobs->sqs.access_keys[0].id, "AKIA1");
  EXPECT_EQ(c.value.jobs->sqs.account, "123456789012");
  EXPECT_EQ(c.value.jobs->sqs.url, "https://sqs.example.com");
  EXPECT_EQ(c.value.jobs->sqs.max_delay, milliseconds{86'400'000});
  const auto refused = [&](const std::string& what, const std::string& why) {
    EXPECT_THAT(plain.errors(jobs + what + " } }"), ElementsAre(HasSubstr(why))) << what;
  };
  refused("access_keys: [ { id: AKIA1, secret: short } ]", "16 to 128 characters");
  refused("access_keys: [ { id: 'A/1', secret: 0123456789abcdef } ]", "an access key id has");
  refused(
      "access_keys: [ { id: A, secret: 0123456789abcdef }, { id: A, secret: fedcba9876543210 } ]",
      "an id has one secret");
  refused("account: '12'", "12 digits");
  refused("region: 'EU 1'", "a region has");
  refused("url: sqs.example.com", "https://sqs.example.com");
  refused("url: https://h/path", "without a path");
}

TEST(decode, egress_sends_the_upstreams_host_unless_told) {
  const auto host = [](const std::string& more) {
    const auto c = plain.load("http: { listen: 1, upstream: https://api.example.com, egress: true" +
                              more + " }");
    EXPECT_THAT(test_source::texts(c.errors), IsEmpty());
    return c.value.http.at(0).preserve_host;
  };
  EXPECT_FALSE(host(""));
  EXPECT_TRUE(host(", preserve_host: true"));
}

TEST(decode, null_is_not_said) {
  const auto c = plain.load(
      "runtime:\ncache: { memory: ~ }\ninstance: null\nhttp: { listen: 1, upstream: http://h, tls: "
      "}");
  EXPECT_THAT(test_source::texts(c.errors), IsEmpty());
  EXPECT_EQ(c.value.cache.memory, 256ULL << 20);
  EXPECT_FALSE(c.value.http.at(0).tls.has_value());
  EXPECT_THAT(plain.errors("http: { listen: , upstream: http://h }"), testing::SizeIs(1));
}

}  // namespace
}  // namespace fairing::config
