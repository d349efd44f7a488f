// The sql section: every key, what is refused, what is noted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const test_source plain;
const std::string secret =
    "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$D+CSWLOshSulAsxiupA+qs2/fTE2e5YtoDW2dS8+8hs=:"
    "D+CSWLOshSulAsxiupA+qs2/fTE2e5YtoDW2dS8+8hs=";

std::string plane(const std::string& more, const std::string& url = "postgres://app:pw@h/shop") {
  return "sql: { listen: 6432, upstream: '" + url + "'" + (more.empty() ? "" : ", " + more) + " }";
}
std::vector<std::string> errors(const std::string& more,
                                const std::string& url = "postgres://app:pw@127.0.0.1/shop") {
  return plain.errors(plane(more, url));
}
std::vector<std::string> notes(const std::string& more,
                               const std::string& url = "postgres://app:pw@127.0.0.1/shop") {
  const auto c = plain.load(plane(more, url));
  EXPECT_THAT(test_source::texts(c.errors), IsEmpty());
  return test_source::texts(c.notes);
}

TEST(sql_section, absent_is_off) {
  EXPECT_FALSE(plain.load(good_site).value.sql.has_value());
  EXPECT_FALSE(plain.load(good_site + "sql:\n").value.sql.has_value());
  EXPECT_THAT(plain.errors(plane("")), IsEmpty()) << "without http";
}

TEST(sql_section, every_key) {
  const auto c = plain.load(
      "sql:\n  listen: 0\n  session_listen: unix:/run/s\n  upstream: postgres://app:pw@h/shop\n"
      "  users: [ { name: a, password: x }, { name: b, scram: '" +
      secret +
      "' } ]\n  auth_query: SELECT usename, passwd, valuntil FROM pg_shadow WHERE usename = $1\n"
      "  pool: { mode: session, size: 12, database_cores: 8, spindles: 2, instances: 4, min_idle: "
      "3, "
      "wait_timeout: 1s, idle_timeout: 2s, max_lifetime: 3s, max_pinned: 25%, max_waiting: 7 }\n"
      "  limits: { connect: 1s, login: 2s, transaction_idle: 3s, statement: 4s, client_write: 5s, "
      "connections: 6, statement_size: 1MiB }\n"
      "  n_plus_one: { detect: off, eliminate: off, report_from: 9 }\n  advise: { run: off, every: "
      "5s }\n  slow: 250ms\n");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  const auto& s = *c.value.sql;
  EXPECT_EQ(s.listen, "127.0.0.1:0");
  EXPECT_EQ(s.session_listen, "unix:/run/s");
  EXPECT_EQ(s.upstream.user, "app");
  ASSERT_EQ(s.users.size(), 2U);
  EXPECT_EQ(s.users[0].password, "x");
  EXPECT_EQ(s.users[1].scram, secret);
  EXPECT_THAT(s.auth_query, HasSubstr("$1"));
  EXPECT_EQ(s.pool.mode, sql::pool_mode::session);
  EXPECT_EQ(s.pool.size, 12U);
  EXPECT_EQ(s.pool.database_cores, 8U);
  EXPECT_EQ(s.pool.spindles, 2U);
  EXPECT_EQ(s.pool.min_idle, 3U);
  EXPECT_EQ(s.pool.wait_timeout, seconds{1});
  EXPECT_EQ(s.pool.idle_timeout, seconds{2});
  EXPECT_EQ(s.pool.max_lifetime, seconds{3});
  EXPECT_EQ(s.pool.max_pinned, 0.25);
  EXPECT_EQ(s.pool.max_waiting, 7U);
  EXPECT_EQ(s.limits.connect, seconds{1});
  EXPECT_EQ(s.limits.login, seconds{2});
  EXPECT_EQ(s.limits.transaction_idle, seconds{3});
  EXPECT_EQ(s.limits.statement, seconds{4});
  EXPECT_EQ(s.limits.client_write, seconds{5});
  EXPECT_EQ(s.limits.connections, 6U);
  EXPECT_EQ(s.limits.statement_bytes, 1ULL << 20);
  EXPECT_FALSE(s.n_plus_one.detect);
  EXPECT_EQ(s.n_plus_one.least, 9U);
  EXPECT_FALSE(s.advise.run);
  EXPECT_EQ(s.advise.every, seconds{5});
  EXPECT_EQ(s.pool.instances, 4U);
  EXPECT_EQ(s.slow, milliseconds{250});
}

TEST(sql_section, auth_query_should_ask_until_when_a_role_is_valid) {
  EXPECT_THAT(notes("auth_query: 'SELECT usename, passwd FROM pg_shadow WHERE usename = $1'"),
              ElementsAre(HasSubstr("write SELECT usename, passwd, valuntil FROM pg_shadow")));
  EXPECT_THAT(notes("auth_query: 'SELECT rolname, rolpassword FROM PG_AUTHID WHERE rolname=$1'"),
              ElementsAre(HasSubstr("write SELECT rolname, rolpassword, rolvaliduntil")));
  for (const auto* good :
       {"SELECT usename, passwd, valuntil FROM pg_shadow WHERE usename = $1",
        "SELECT rolname, rolpassword, ROLVALIDUNTIL FROM pg_authid WHERE rolname = $1",
        "SELECT * FROM app.secret_of($1)"})
    EXPECT_THAT(notes("auth_query: '" + std::string(good) + "'"), IsEmpty()) << good;
  EXPECT_THAT(errors("auth_query: SELECT 1"), ElementsAre(HasSubstr("usename, passwd, valuntil")));
}

TEST(sql_section, auto_and_ranges) {
  EXPECT_EQ(plain.load(plane("pool: auto")).value.sql->pool.size, std::nullopt);
  EXPECT_EQ(plain.load(plane("pool: 20")).value.sql->pool.size, 20U);
  EXPECT_THAT(errors("pool: { size: 0 }"),
              ElementsAre(HasSubstr("`sql.pool.size`: `0` must be between 1 and 10000, or auto")));
  EXPECT_THAT(errors("pool: { size: many }"),
              ElementsAre(HasSubstr("write one from 1 to 10000, or auto")));
  EXPECT_THAT(errors("pool: { spindles: auto }"),
              ElementsAre(HasSubstr("`auto` is not a whole number")));
  EXPECT_THAT(errors("pool: { max_pinned: 150% }"), ElementsAre(HasSubstr("is not a share")));
  EXPECT_THAT(errors("pool: { size: 4, min_idle: 5 }"),
              ElementsAre(HasSubstr("lower it or raise that")));
}

TEST(sql_section, what_is_not_in_this_version) {
  EXPECT_THAT(
      errors("n_plus_one: { eliminate: strict }"),
      ElementsAre(HasSubstr("`strict` is not in this version of Fairing (0.1.0); write off")));
  EXPECT_THAT(errors("changes: wire"),
              ElementsAre(HasSubstr("`sql.changes` is not in this version")));
  EXPECT_THAT(errors("cache: []"), ElementsAre(HasSubstr("`sql.cache` is not in this version")));
}

TEST(sql_section, some_secret_is_needed_to_pool_transactions) {
  EXPECT_THAT(errors("", "postgres://h/d"),
              ElementsAre(AllOf(HasSubstr("or list `sql.users`"), HasSubstr("`sql.auth_query`"),
                                HasSubstr("`sql.pool.mode: session`"))));
  for (const auto* url : {"postgres://127.0.0.1/d", "postgres://app@127.0.0.1/d"})
    EXPECT_THAT(notes("pool: { mode: session }", url),
                ElementsAre(HasSubstr("PostgreSQL checks each log-in itself")));
  EXPECT_THAT(notes("pool: { mode: session, size: 5, min_idle: 1 }", "postgres://127.0.0.1/d"),
              ElementsAre(HasSubstr("checks each log-in"), HasSubstr("opens nothing ahead")));
  EXPECT_THAT(notes("users: { name: a, password: b }", "postgres://127.0.0.1/d"), IsEmpty());
  EXPECT_THAT(notes("", "postgres://app@127.0.0.1/d"), ElementsAre(HasSubstr("trust or peer")));
  EXPECT_THAT(notes("users: { name: app, scram: '" + secret + "' }", "postgres://app@127.0.0.1/d"),
              IsEmpty());
  EXPECT_THAT(errors("auth_query: 'SELECT $1'", "postgres://h/d"),
              ElementsAre(HasSubstr("names none")));
  EXPECT_THAT(errors("auth_query: SELECT 1"), ElementsAre(HasSubstr("has no $1")));
}

TEST(sql_section, users) {
  EXPECT_THAT(errors("users: [ { name: a } ]"),
              ElementsAre(HasSubstr("`sql.users.0.name`: `a` has no secret")));
  EXPECT_THAT(errors("users: { name: a, password: b, scram: '" + secret + "' }"),
              ElementsAre(HasSubstr("`sql.users.name`: `a` has both")));
  EXPECT_THAT(errors("users: [ { name: a, password: b }, { name: a, password: c } ]"),
              ElementsAre(HasSubstr("`a` is also user 0")));
  EXPECT_THAT(errors("users: [ { name: app, password: b } ]"), ElementsAre(HasSubstr("already")));
  const auto bad = errors("users: [ { name: a, scram: 'SCRAM-SHA-256$hunter2' } ]");
  EXPECT_THAT(bad, ElementsAre(HasSubstr("SELECT rolpassword")));
  EXPECT_THAT(bad[0], Not(HasSubstr("hunter2")));
  EXPECT_THAT(errors("users: [ { nam: a } ]"),
              ElementsAre(HasSubstr("has no `name`"), HasSubstr("did you mean `name`?")));
}

TEST(sql_section, listeners) {
  EXPECT_THAT(errors("session_listen: 6432"), ElementsAre(HasSubstr("is also `sql.listen`")));
  EXPECT_THAT(
      errors("session_listen: 9900"),
      ElementsAre(HasSubstr("127.0.0.1:9900 is also the default of `admin.listen`; give each")));
  EXPECT_THAT(plain.errors(good_site + "sql: { listen: 8080, upstream: 'postgres://a:b@h' }"),
              ElementsAre(HasSubstr("is also `http.listen`")));
  EXPECT_THAT(errors("", "postgres://app:pw@localhost:6432/d"),
              ElementsAre(HasSubstr("is `sql.upstream` itself")));
  EXPECT_THAT(
      errors("session_listen: 'unix:/run/pg/.s.PGSQL.5432'", "postgres://a:b@/d?host=/run/pg"),
      ElementsAre(HasSubstr("`sql.session_listen` is `sql.upstream` itself")));
  EXPECT_THAT(notes("session_listen: '0.0.0.0:6433'"),
              ElementsAre(HasSubstr("`sql.session_listen` is beyond loopback without `sql.tls`")));
}

TEST(sql_section, notes_of_the_upstream) {
  EXPECT_THAT(notes("", "postgres://app:pw@db/d"), ElementsAre(HasSubstr("sslmode=verify-full")));
  EXPECT_THAT(notes("", "postgres://app:pw@db/d?sslmode=require"), IsEmpty());
  EXPECT_THAT(notes("", "postgres://app:pw@127.0.0.1/d?schema=public&pgbouncer=true"),
              ElementsAre(HasSubstr("schema, pgbouncer are for the application's driver")));
  EXPECT_THAT(notes("pool: { size: 4, database_cores: 2 }"),
              ElementsAre(HasSubstr("changes nothing")));
  EXPECT_THAT(notes("pool: { max_pinned: 1 }"), ElementsAre(HasSubstr("starve")));
  EXPECT_THAT(notes("limits: { connect: 1m }"), ElementsAre(HasSubstr("ends the wait")));
}

TEST(sql_section, files) {
  const auto path = testing::TempDir() + "sql_cert.pem";
  std::ofstream(path) << "hello\n";
  EXPECT_THAT(errors("tls: { cert: " + path + ", key: /nonexistent/k }"),
              testing::UnorderedElementsAre(HasSubstr("`sql.tls.cert`: " + path + " is not a PEM"),
                                            HasSubstr("cannot read /nonexistent/k")));
  EXPECT_THAT(errors("tls: { cert: /c }"), ElementsAre(HasSubstr("`sql.tls` has no `key`")));
  EXPECT_THAT(errors("", "postgres://app:pw@h/d?sslrootcert=/nonexistent/ca&sslmode=verify-ca"),
              ElementsAre(HasSubstr("cannot read /nonexistent/ca")));
}

TEST(sql_section, the_flag_beats_the_file_and_shows_no_password) {
  test_source s;
  s.from.sql = {"7432", "postgres://app:hunter2@127.0.0.1/shop"};
  const auto c = s.load(plane("pool: 3"));
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  EXPECT_EQ(c.value.sql->listen, "127.0.0.1:7432");
  EXPECT_EQ(c.value.sql->upstream.password, "hunter2");
  EXPECT_EQ(c.value.sql->pool.size, 3U);
  s.from.sql.url = "postgres://app:hunter2@a,b/shop";
  EXPECT_THAT(s.errors(""),
              ElementsAre(HasSubstr(
                  "--sql 7432=postgres://***@a,b/shop: `sql.upstream`: it names several hosts")));
}

TEST(sql_section, a_password_of_the_environment_is_in_no_message) {
  const test_source s{{{"DATABASE_URL", "postgres://app:hunter2@h:x/shop"}}, {}};
  const auto all = s.errors("sql: { listen: 6432, upstream: '${DATABASE_URL}' }");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], HasSubstr("`sql.upstream`: it has a port that is none"));
  EXPECT_THAT(all[0], Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace fairing::config
