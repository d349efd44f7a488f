#include "app/config/postgres_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairing::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

postgres_url good(std::string_view text) {
  std::string problem;
  auto u = parse_postgres_url(text, problem);
  EXPECT_TRUE(u.has_value()) << text << ": " << problem;
  return u.value_or(postgres_url{});
}

std::string bad(std::string_view text) {
  std::string problem;
  EXPECT_FALSE(parse_postgres_url(text, problem).has_value()) << text;
  return problem;
}

TEST(postgres_url, every_part) {
  const auto u =
      good("postgresql://app:s3cret@db.example:6543/shop?sslmode=verify-full&sslrootcert=/ca.pem")
          .upstream;
  EXPECT_EQ(u.user, "app");
  EXPECT_EQ(u.password, "s3cret");
  EXPECT_EQ(u.host, "db.example");
  EXPECT_EQ(u.port, 6543);
  EXPECT_EQ(u.database, "shop");
  EXPECT_EQ(u.ssl, sql::ssl_mode::verify_full);
  EXPECT_EQ(u.ssl_root, "/ca.pem");
}

TEST(postgres_url, defaults) {
  const auto u = good("postgres://127.0.0.1").upstream;
  EXPECT_EQ(u.host, "127.0.0.1");
  EXPECT_EQ(u.port, 5432);
  EXPECT_EQ(u.user + u.password + u.database + u.ssl_root, "");
  EXPECT_EQ(u.ssl, sql::ssl_mode::prefer);
}

TEST(postgres_url, percent_decoding) {
  const auto u = good("postgres://a%40b:p%3A%2F%3Fw%25@h/d%20e").upstream;
  EXPECT_EQ(u.user, "a@b");
  EXPECT_EQ(u.password, "p:/?w%");
  EXPECT_EQ(u.database, "d e");
  EXPECT_THAT(bad("postgres://u:p%4@h/d"), HasSubstr("written %25"));
  EXPECT_THAT(bad("postgres://u:p%zz@h/d"), HasSubstr("written %25"));
  EXPECT_THAT(bad("postgres://u:p%00@h/d"), HasSubstr("written %25"));
  // As libpq: a `?` or `:` in the password needs no escape.
  EXPECT_EQ(good("postgres://u:p:q?r@h/d").upstream.password, "p:q?r");
}

TEST(postgres_url, unix_sockets) {
  for (const auto* text :
       {"postgres:///shop?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/shop",
        "postgres:///shop?host=%2Frun%2Fpostgresql/"}) {
    const auto u = good(text).upstream;
    EXPECT_EQ(u.host, "/run/postgresql") << text;
    EXPECT_EQ(u.database, "shop") << text;
  }
  EXPECT_EQ(good("postgres:///shop").upstream.host, "/var/run/postgresql");
  EXPECT_EQ(good("postgres://app@/shop").upstream.user, "app");
  EXPECT_EQ(good("postgres://:5433/shop").upstream.port, 5433);
  EXPECT_THAT(bad("postgres:///d?host=/" + std::string(90, 'x')), HasSubstr("directory"));
}

TEST(postgres_url, ipv6) {
  EXPECT_EQ(good("postgres://u@[::1]:5433/d").upstream.host, "::1");
  EXPECT_EQ(good("postgres://u@[::1]:5433/d").upstream.port, 5433);
  EXPECT_EQ(good("postgres://[2001:db8::1]").upstream.host, "2001:db8::1");
  EXPECT_THAT(bad("postgres://::1:5432/d"), HasSubstr("in brackets"));
  EXPECT_THAT(bad("postgres://[::1/d"), HasSubstr("without `]`"));
  EXPECT_THAT(bad("postgres://[::1]5432/d"), HasSubstr("between"));
}

TEST(postgres_url, options) {
  const auto u = good("postgres://h?user=app&password=p%26q&dbname=d&port=7000").upstream;
  EXPECT_EQ(u.user, "app");
  EXPECT_EQ(u.password, "p&q");
  EXPECT_EQ(u.database, "d");
  EXPECT_EQ(u.port, 7000);
  EXPECT_THAT(good("postgres://u@h/d?schema=public&connection_limit=5&sslmode=require").ignored,
              ElementsAre("schema", "connection_limit"));
  EXPECT_EQ(
      bad("postgres://u@h/d?sslmod=require"),
      "has an unknown option `sslmod`; did you mean `sslmode`?; known are sslmode, sslrootcert, "
      "host, port, user, password, dbname");
  EXPECT_THAT(bad("postgres://u@h/d?sslmode=requir"), HasSubstr("did you mean `require`?"));
  EXPECT_THAT(bad("postgres://u@h/d?sslcert=/c"),
              HasSubstr("`sslcert`, which is not in this version"));
  EXPECT_THAT(bad("postgres://u@h/d?sslmode"), HasSubstr("without a value"));
}

TEST(postgres_url, root_certificates_as_libpq) {
  EXPECT_EQ(good("postgres://h?sslmode=require&sslrootcert=/ca").upstream.ssl,
            sql::ssl_mode::verify_ca);
  EXPECT_EQ(good("postgres://h?sslrootcert=system").upstream.ssl, sql::ssl_mode::verify_full);
  EXPECT_EQ(good("postgres://h?sslrootcert=system").upstream.ssl_root, "");
  EXPECT_THAT(bad("postgres://h?sslmode=require&sslrootcert=system"), HasSubstr("verify-full"));
}

TEST(postgres_url, what_it_is_not) {
  EXPECT_EQ(bad("127.0.0.1:5432"),
            "`127.0.0.1:5432` has no scheme; write postgres://127.0.0.1:5432");
  EXPECT_THAT(bad("mysql://h/d"), HasSubstr("PostgreSQL's protocol only"));
  EXPECT_THAT(bad("postgre://h/d"), HasSubstr("did you mean `postgres`?"));
  EXPECT_THAT(bad("jdbc:postgresql://h/d"), HasSubstr("scheme of a driver"));
  EXPECT_THAT(bad("postgresql+asyncpg://h/d"), HasSubstr("scheme of a driver"));
  EXPECT_THAT(bad("host=h user=u"), HasSubstr("keywords"));
  EXPECT_THAT(bad("postgres://a:1,b:2/d"), HasSubstr("several hosts"));
  EXPECT_THAT(bad("postgres://h:0/d"), HasSubstr("1 to 65535"));
  EXPECT_THAT(bad("postgres://h:x/d"), HasSubstr("1 to 65535"));
  EXPECT_THAT(bad("postgres://-h/d"), HasSubstr("host that is none"));
  EXPECT_THAT(bad("postgres://:pw@h/d"), HasSubstr("no user"));
  EXPECT_THAT(bad("postgres://u@h/a b"), HasSubstr("%20"));
  EXPECT_THAT(bad(""), HasSubstr("postgres://USER"));
}

TEST(postgres_url, no_message_holds_a_password) {
  for (const auto* text : {"postgres://u:hunter2/x@h/d", "postgres://u:hunter2@x@h/d",
                           "postgres://u:hun/ter2?hunter2@h/d", "postgres://u:hunter2",
                           "u:hunter2@h/d", "redis://u:hunter2@h", "postgres://u:hunter2@h:99999/d",
                           "postgres://h/d?password=hunter2&hunter2=1@", "postgres://u:%hunter2@h",
                           "hunter2://u@h2", "postgres://u:5432/hunter2@h/d",
                           "user=u password=hunter2", "postgres://h?password=hunter2&sslmode=x",
                           "postgres://u:hunter2#@h:x/d", "postgres://u:hunter2 x@h"}) {
    EXPECT_THAT(bad(text), Not(HasSubstr("hunter2"))) << text;
    if (std::string_view(text) != "postgres://u:hunter2" &&
        !std::string_view(text).starts_with("hunter2:"))
      EXPECT_THAT(masked(text), Not(HasSubstr("hunter2"))) << text;
  }
  EXPECT_EQ(masked("postgres://u:hunter2@h/d?schema=x"), "postgres://u:***@h:5432/d");
  EXPECT_EQ(masked("postgres://h?user=u&password=hunter2"), "postgres://u:***@h:5432/");
  EXPECT_EQ(masked("nonsense"), "nonsense");
}

TEST(postgres_url, its_own_text_reads_back) {
  for (const auto* text :
       {"postgres://a%40b:p%3A%2F%3Fw%25@h:5433/d%20e?sslmode=verify-ca&sslrootcert=/ca.pem",
        "postgres://u@[::1]:5432/", "postgres:///shop?host=/run/postgresql",
        "postgres://:5433/?host=/tmp", "postgres://127.0.0.1:5432/"})
    EXPECT_EQ(to_text(good(text).upstream, password_shown::whole), text);
}

}  // namespace
}  // namespace fairing::config
