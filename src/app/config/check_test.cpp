#include "app/config/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const test_source plain;

std::vector<std::string> notes(const std::string& text) {
  const auto c = plain.load(text);
  EXPECT_THAT(test_source::texts(c.errors), IsEmpty());
  return test_source::texts(c.notes);
}

TEST(check, nothing_to_serve) {
  EXPECT_THAT(plain.errors(""), ElementsAre(HasSubstr("nothing to serve: give `http` a site")));
}

TEST(check, jobs_are_run_twice_where_that_can_be_seen_and_is_allowed) {
  const std::string jobs =
      "jobs: { listen: 9324, store: 'sqlite:j.db', queues: [ { name: mails, verify_idempotency: "
      "10% } ] }\n";
  EXPECT_THAT(notes(jobs), ElementsAre(HasSubstr("there is no `sql`")));
  EXPECT_THAT(notes(jobs + "sql: { listen: 6432, upstream: 'postgres://a:b@127.0.0.1/d' }"),
              IsEmpty());
  EXPECT_THAT(plain.errors(jobs + "http: { listen: 8080, upstream: http://h, routes: [ { match: "
                                  "/slow, async: { mode: always, queue: mails } } ] }"),
              ElementsAre(HasSubstr("requests of clients, which run once")));
  EXPECT_THAT(plain.errors("jobs: { listen: 9324, store: 'sqlite:j.db', queues: [ { name: mails, "
                           "verify_idempotency: 110% } ] }"),
              ElementsAre(HasSubstr("verify_idempotency")));
}

TEST(check, a_cron_that_puts_nothing_or_a_broken_body_is_told) {
  const auto cron = [](const std::string& what) {
    return "jobs: { listen: 9324, store: 'sqlite:j.db', queues: [ { name: q, cron: [ { name: c, " +
           what + " } ] } ] }";
  };
  EXPECT_THAT(notes(cron("schedule: '0 0 30 2 *', zone: Europe/Berlin")),
              ElementsAre(HasSubstr("`0 0 30 2 *` names a day that never comes")));
  EXPECT_THAT(notes(cron("schedule: '0 0 29 2 *', payload: '{\"kind\":1}'")), IsEmpty());
  EXPECT_THAT(plain.errors(cron("schedule: '@daily', payload: daily")),
              ElementsAre(HasSubstr("is not JSON")));
}

TEST(check, a_job_store_is_reached_without_this_instances_own_sql_plane) {
  const auto with = [](const std::string& host, const std::string& listen) {
    return "jobs: { listen: 9324, store: 'postgres://a:b@" + host + "/d' }\n" + "sql: { listen: '" +
           listen + "', session_listen: 6434, upstream: 'postgres://a:b@127.0.0.1/d' }";
  };
  for (const auto* host : {"127.0.0.1:6432", "localhost:6432"})
    EXPECT_THAT(plain.errors(with(host, "6432")),
                ElementsAre(HasSubstr("`jobs.store` is `sql.listen` of this instance")));
  EXPECT_THAT(plain.errors(with("127.0.0.1:6434", "6432")),
              ElementsAre(HasSubstr("`sql.session_listen`")));
  EXPECT_THAT(plain.errors("jobs: { listen: 9324, store: 'postgres://a:b@/d?host=/run/f' }\n"
                           "sql: { listen: 'unix:/run/f/.s.PGSQL.5432', upstream: "
                           "'postgres://a:b@127.0.0.1/d' }"),
              ElementsAre(HasSubstr("`sql.listen`")));
  EXPECT_THAT(notes(with("127.0.0.1", "6432")), IsEmpty());
}

TEST(check, what_a_jobs_plane_would_not_use_or_not_find_is_noted) {
  EXPECT_THAT(notes("jobs: { listen: 9324, store: 'sqlite:/no/such/folder/j.db', queues: [ { name: "
                    "q, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw } ] }"),
              ElementsAre(HasSubstr("there is no directory /no/such/folder"),
                          HasSubstr("queue q has no `push`")));
}

TEST(check, listeners_must_differ) {
  EXPECT_THAT(plain.errors("http:\n  - { listen: 8080, upstream: http://h }\n  - { listen: "
                           "127.0.0.1:8080, upstream: http://h }\n"),
              ElementsAre("fairing.yaml:3:15: `http.1.listen`: 127.0.0.1:8080 is also "
                          "`http.0.listen`, at fairing.yaml:2:15; give each its own"));
  EXPECT_THAT(plain.errors("http: { listen: 9900, upstream: http://h }"),
              ElementsAre(HasSubstr("is also the default of `admin.listen`; give")));
  EXPECT_THAT(plain.errors("admin: 0\nhttp: [ { listen: 0, upstream: http://h }, { listen: 0, "
                           "upstream: http://h } ]"),
              IsEmpty());
}

TEST(check, beyond_loopback_is_noted) {
  EXPECT_THAT(notes(good_site), IsEmpty());
  EXPECT_THAT(notes("http: { listen: '[::1]:8080', upstream: http://h }"), IsEmpty());
  EXPECT_THAT(notes("http: { listen: 0.0.0.0:8080, upstream: http://h }"),
              ElementsAre("fairing.yaml:1:17: `http.listen` is beyond loopback: 0.0.0.0:8080 takes "
                          "requests from the network"));
  EXPECT_THAT(notes(good_site + "admin: 0.0.0.0:9900"),
              ElementsAre(HasSubstr("set `admin.token` to choose it")));
  EXPECT_THAT(notes(good_site + "admin: { listen: 0.0.0.0:9900, token: 0123456789abcdef }"),
              IsEmpty());
}

TEST(check, https_upstream_of_a_site_that_is_no_egress_is_noted) {
  EXPECT_THAT(notes("http: { listen: 1, upstream: https://api.example.com, egress: true }"),
              IsEmpty());
  EXPECT_THAT(notes("http: { listen: 1, upstream: https://api.example.com }"),
              ElementsAre(HasSubstr("is not `egress: true`")));
}

TEST(check, certificates_must_be_readable_pem) {
  const auto path = testing::TempDir() + "cert.pem";
  std::ofstream(path) << "hello\n";
  EXPECT_THAT(
      plain.errors("http: { listen: 1, upstream: http://h, tls: { cert: /nonexistent/c, key: " +
                   path + " } }"),
      ElementsAre("fairing.yaml:1:53: `http.tls.cert`: cannot read /nonexistent/c: No such file or "
                  "directory; write the path of a PEM file that this user may read",
                  HasSubstr("is not a PEM file of that kind: it has no `PRIVATE KEY-----`")));
  EXPECT_THAT(plain.errors("http: { listen: 1, upstream: http://h, tls: { cert: /c } }"),
              ElementsAre(HasSubstr("`http.tls` has no `key`")));
}

TEST(check, thresholds) {
  const auto one = [](const std::string& more) {
    return plain.errors("http: { listen: 1, upstream: http://h, " + more + " }");
  };
  EXPECT_THAT(one("limits: { object: 100MiB }"),
              ElementsAre(HasSubstr("is more than a quarter of `cache.memory` (256MiB)")));
  EXPECT_THAT(
      one("timeouts: { connect: 5s, total: 3s }"),
      ElementsAre(HasSubstr("`http.timeouts.connect` (5s) is longer than `timeouts.total` (3s)")));
  EXPECT_THAT(one("limits: { target: 128KiB }"),
              ElementsAre(HasSubstr("is larger than `limits.header`")));
  EXPECT_THAT(one("health: { path: up }"),
              ElementsAre(HasSubstr("`up` does not begin with `/`; write /up")));
  EXPECT_THAT(one("health: { path: /up, timeout: 9s }"),
              ElementsAre(HasSubstr("is longer than `health.interval`")));
  EXPECT_THAT(one("proxy_protocol: true"), ElementsAre(HasSubstr("needs `trusted_proxies`")));
}

TEST(check, a_route_that_is_never_reached_is_noted) {
  EXPECT_THAT(
      notes("http: { listen: 1, upstream: http://h, routes: [ { match: /a }, { match: /a } ] }"),
      ElementsAre(HasSubstr("`http.routes.1.match` is never reached: route 0 has the same match")));
}

}  // namespace
}  // namespace fairing::config
