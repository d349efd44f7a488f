// The pure parts of the sql sessions: what is kept of a read, what is skipped, what is counted, who is slowed.
#include <gtest/gtest.h>

#include <thread>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/session/byte_relay.hpp"
#include "sql/session/cancel_keys.hpp"
#include "sql/session/input.hpp"
#include "sql/session/login_guard.hpp"
#include "sql/session/runtime.hpp"
#include "sql/session/secrets.hpp"
#include "sql/session/skipper.hpp"

namespace fairing::sql {
namespace {

namespace pg = codec::pgwire;

std::string query(std::string_view sql) {
  std::string text;
  EXPECT_TRUE(pg::append_query(text, sql));
  return text;
}
std::string sync() {
  std::string text;
  pg::append_sync(text);
  return text;
}
std::string execute() {
  std::string text;
  pg::append_execute(text, "");
  return text;
}
std::string terminate() {
  std::string text;
  pg::append_terminate(text);
  return text;
}
std::string ready(pg::transaction_status s) {
  std::string text;
  pg::append_ready_for_query(text, s);
  return text;
}

TEST(input, keeps_nothing_where_all_is_taken) {
  input in;
  const std::string fresh = "abc";
  const auto bytes = in.join(fresh);
  EXPECT_EQ(bytes.data(), fresh.data());
  in.keep(bytes, 3);
  EXPECT_TRUE(in.empty());
}

TEST(input, joins_what_was_left) {
  input in;
  in.keep(in.join("abc"), 1);
  EXPECT_EQ(in.view(), "bc");
  auto bytes = in.join("de");
  EXPECT_EQ(bytes, "bcde");
  in.keep(bytes, 3);
  EXPECT_EQ(in.view(), "e");
  in.keep(in.view(), 0);
  EXPECT_EQ(in.join("f"), "ef");
}

TEST(input, stays_whole_over_many_small_turns) {
  input in;
  std::string all;
  std::string seen;
  for (int i = 0; i < 20'000; ++i) {
    const auto fresh = std::to_string(i) + ",";
    all += fresh;
    const auto bytes = in.join(fresh);
    const auto n = bytes.size() > 5000 ? bytes.size() - 17 : std::min<std::size_t>(bytes.size(), 1);
    seen += bytes.substr(0, n);
    in.keep(bytes, n);
  }
  EXPECT_EQ(seen + std::string(in.view()), all);
}

TEST(skipper, a_query_alone) {
  skipper s;
  s.begin();
  const auto one = query("SELECT 1");
  const auto two = query("SELECT 2");
  EXPECT_EQ(s.skip(one + two), one.size());
  EXPECT_FALSE(s.active());
  EXPECT_TRUE(s.ready());
  EXPECT_FALSE(s.ready());
}

TEST(skipper, an_extended_statement_up_to_its_sync_however_it_is_cut) {
  const auto all = execute() + query("SELECT 1") + sync() + query("SELECT 2");
  const auto skipped = all.size() - query("SELECT 2").size();
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    skipper s;
    s.begin();
    auto used = s.skip(std::string_view(all).substr(0, cut));
    EXPECT_LE(used, cut);
    used += s.skip(std::string_view(all).substr(used));
    EXPECT_EQ(used, skipped) << cut;
    EXPECT_TRUE(s.ready());
  }
}

TEST(skipper, leaves_the_end_and_nonsense_to_others) {
  for (const auto& text :
       {terminate(), std::string("?\0\0\0\4", 5), std::string("Q\xff\0\0\0", 5)}) {
    skipper s;
    s.begin();
    EXPECT_EQ(s.skip(text), 0U);
    EXPECT_FALSE(s.active());
    EXPECT_FALSE(s.ready());
  }
}

// What the client gets; nullopt: the server is at fault.
std::optional<std::string> answer(byte_relay& r, std::string_view bytes,
                                  std::size_t* taken = nullptr) {
  out_batch to;
  std::size_t n = 0;
  if (!r.from_server(bytes, to, n)) return std::nullopt;
  if (taken) *taken = n;
  std::vector<std::string_view> views;
  to.views(views);
  std::string all;
  for (const auto v : views) all += v;
  return all;
}
std::string canceled(std::string_view message) {
  std::string t;
  pg::append_error(t, {.code = pg::sqlstate::query_canceled, .message = message});
  return t;
}

TEST(byte_relay, a_limit_of_ours_is_told_as_such_however_it_is_cut) {
  const auto all =
      canceled("canceling statement due to user request") + ready(pg::transaction_status::failed);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    byte_relay r;
    const auto asked = query("SELECT 1");
    EXPECT_EQ(r.from_client(asked), asked.size());
    r.limited_by(milliseconds{30'000});
    std::size_t taken = 0;
    auto got = answer(r, std::string_view(all).substr(0, cut), &taken).value();
    got += answer(r, std::string_view(all).substr(taken)).value();
    EXPECT_NE(got.find("Fairing's limits.statement of 30s"), got.npos) << cut;
    EXPECT_EQ(got.find("user request"), got.npos);
    EXPECT_FALSE(r.in_flight());
    EXPECT_FALSE(r.limited());
  }
}

TEST(byte_relay, a_limit_leaves_other_answers_alone) {
  for (const auto& said : {canceled("canceling statement due to statement timeout"),
                           canceled("canceling statement due to user request")}) {
    byte_relay r;
    if (said.find("timeout") != said.npos) r.limited_by(milliseconds{1000});
    EXPECT_EQ(answer(r, said), said);
  }
}

TEST(byte_relay, a_sync_before_copy_is_not_answered) {
  byte_relay r;
  const auto asked = execute() + sync();
  EXPECT_EQ(r.from_client(asked), asked.size());
  EXPECT_TRUE(answer(r, std::string("G\0\0\0\7\0\0\0", 8)));
  EXPECT_TRUE(r.in_flight());
  const auto end = std::string("c\0\0\0\4", 5) + sync();
  EXPECT_EQ(r.from_client(end), end.size());
  EXPECT_TRUE(answer(r, ready(pg::transaction_status::idle)));
  EXPECT_FALSE(r.in_flight());
}

TEST(byte_relay, a_query_of_copy_is_answered_once) {
  byte_relay r;
  const auto asked = query("COPY t FROM STDIN");
  EXPECT_EQ(r.from_client(asked), asked.size());
  EXPECT_TRUE(answer(r, std::string("G\0\0\0\7\0\0\0", 8)));
  EXPECT_TRUE(r.in_flight());
  EXPECT_TRUE(answer(r, ready(pg::transaction_status::idle)));
  EXPECT_FALSE(r.in_flight());
}

TEST(byte_relay, passes_all_but_the_end) {
  byte_relay r;
  const auto asked = query("BEGIN");
  EXPECT_EQ(r.from_client(asked + terminate()), asked.size());
  EXPECT_TRUE(r.ended());
  EXPECT_FALSE(r.faulty());
  EXPECT_TRUE(r.in_flight());
  EXPECT_TRUE(answer(r, ready(pg::transaction_status::in_transaction)));
  EXPECT_FALSE(r.in_flight());
  EXPECT_TRUE(r.in_transaction());
}

TEST(byte_relay, knows_when_an_answer_is_due_byte_by_byte) {
  byte_relay r;
  const auto asked = execute() + sync();
  for (const char c : asked) {
    EXPECT_EQ(r.from_client({&c, 1}), 1U);
    EXPECT_TRUE(r.in_flight());
  }
  const auto due = ready(pg::transaction_status::idle);
  for (std::size_t i = 0; i < due.size(); ++i) {
    EXPECT_TRUE(r.in_flight());
    EXPECT_TRUE(answer(r, std::string_view(due).substr(i, 1)));
  }
  EXPECT_FALSE(r.in_flight());
  EXPECT_EQ(r.statements(), 1U);
}

TEST(byte_relay, a_fatal_error_is_a_farewell_wherever_it_stands) {
  std::string row;
  const pg::value_view value{"x", false};
  ASSERT_TRUE(pg::append_data_row(row, std::span(&value, 1)));
  std::string last;
  pg::append_error(last, {.code = pg::sqlstate::admin_shutdown, .severity = "FATAL"});
  byte_relay r;
  (void)r.from_client(query("SELECT 1"));
  EXPECT_EQ(answer(r, row + canceled("no farewell")), row + canceled("no farewell"));
  EXPECT_FALSE(r.farewell());
  EXPECT_EQ(answer(r, row + last), row + last);
  EXPECT_TRUE(r.farewell());
}

TEST(byte_relay, refuses_nonsense_of_both_sides) {
  byte_relay r;
  EXPECT_EQ(r.from_client(std::string_view("?\0\0\0\4", 5)), 0U);
  EXPECT_TRUE(r.faulty());
  byte_relay s;
  EXPECT_FALSE(answer(s, std::string_view("Z\0\0\0\1I", 6)));
}

TEST(login_guard, grows_to_a_second_and_forgets) {
  login_guard g;
  mono_time t{milliseconds{1'000'000}};
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 7; ++i) delays.push_back(g.failed(7, t).count());
  EXPECT_EQ(delays, (std::vector<std::int64_t>{50, 100, 200, 400, 800, 1000, 1000}));
  EXPECT_EQ(g.failed(8, t).count(), 50);
  EXPECT_EQ(g.failed(7, t + milliseconds{61'000}).count(), 50);
  g.succeeded(8);
  EXPECT_EQ(g.failed(8, t).count(), 50);
  EXPECT_TRUE(g.suspects(8, t + milliseconds{60'000}));
  EXPECT_FALSE(g.suspects(8, t + milliseconds{61'000}));
  EXPECT_FALSE(g.suspects(9, t));
  g.succeeded(8);
  EXPECT_FALSE(g.suspects(8, t));
}

TEST(login_guard, bounds_who_waits) {
  login_guard g;
  for (std::uint32_t i = 0; i < login_guard::most_waiting; ++i) EXPECT_TRUE(g.enter());
  EXPECT_FALSE(g.enter());
  g.leave();
  EXPECT_TRUE(g.enter());
}

TEST(cancel_keys, finds_by_pid_and_secret_only) {
  cancel_keys keys;
  const auto a = keys.add({});
  const auto b = keys.add({});
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->pid, b->pid);
  EXPECT_NE(a->pid, 0U);
  EXPECT_LT(a->pid, 0x8000'0000U);
  // The pools are gone: nothing is found, and nothing breaks.
  EXPECT_EQ(keys.find(*a), nullptr);
  EXPECT_EQ(keys.find({a->pid, a->secret + 1}), nullptr);
  keys.remove(a->pid);
  EXPECT_EQ(keys.find(*a), nullptr);
}

TEST(secret_cache, what_auth_query_told_is_kept_for_a_minute) {
  secret_cache cache(2);
  const mono_time t{milliseconds{1'000'000}};
  EXPECT_FALSE(cache.told("a", t));
  cache.tell("a", nullptr, t);
  ASSERT_TRUE(cache.told("a", t));
  EXPECT_EQ(cache.told("a", t)->secret, nullptr);
  EXPECT_FALSE(cache.told("a", t + milliseconds{60'001}));
  const auto secret = std::make_shared<const credential>();
  cache.tell("a", secret, t);
  EXPECT_EQ(cache.told("a", t)->secret, secret);
  cache.tell("a", nullptr, t);
  EXPECT_EQ(cache.told("a", t)->secret, nullptr);
  EXPECT_EQ(cache.last_told("a"), nullptr) << "a role that is gone opens no servers";
  cache.ask_again();
  EXPECT_FALSE(cache.told("a", t));
}

TEST(secret_cache, who_was_not_used_for_longest_makes_room) {
  secret_cache cache(2);
  cache.add_keys("b", {});
  cache.add_keys("c", {});
  EXPECT_TRUE(cache.keys_of("b"));  // a use
  cache.add_keys("d", {});
  EXPECT_FALSE(cache.keys_of("c"));
  EXPECT_TRUE(cache.keys_of("b") && cache.keys_of("d"));
}

TEST(secret_cache, names_of_strangers_push_nobody_out) {
  secret_cache cache(2, 4);
  const mono_time t{milliseconds{1'000'000}};
  const auto secret = std::make_shared<const credential>();
  cache.tell("bob", secret, t);
  for (int i = 0; i < 100; ++i) {
    const auto stranger = "nobody" + std::to_string(i);
    cache.tell(stranger, nullptr, t);
    EXPECT_TRUE(cache.told(stranger, t)) << "not asked for again at once";
  }
  EXPECT_EQ(cache.last_told("bob"), secret);
  cache.tell("nobody99", secret, t);
  EXPECT_EQ(cache.told("nobody99", t)->secret, secret) << "it was made meanwhile";
}

TEST(secret_cache, what_a_pool_opens_servers_with_stays) {
  secret_cache cache(2);
  {
    const secret_cache::keeper before(cache, "bob"), other(cache, "bob");
    cache.add_keys("bob", {});
    for (const auto* user : {"a", "b", "c"}) cache.add_keys(user, {});
    EXPECT_TRUE(cache.keys_of("bob"));
    EXPECT_FALSE(cache.keys_of("a"));
    EXPECT_TRUE(cache.keys_of("b") && cache.keys_of("c"));
  }
  EXPECT_TRUE(cache.keys_of("bob"));
  cache.add_keys("d", {});
  cache.add_keys("e", {});
  EXPECT_FALSE(cache.keys_of("bob"));
}

TEST(secret_cache, trust_is_of_a_user_and_a_database) {
  secret_cache cache;
  const mono_time t{milliseconds{1'000'000}};
  cache.trust("u", "d", t);
  EXPECT_TRUE(cache.trusted("u", "d", t));
  EXPECT_FALSE(cache.trusted("u", "e", t));
  EXPECT_FALSE(cache.trusted("u", "d", t + milliseconds{60'001}));
  cache.ask_again();
  EXPECT_FALSE(cache.trusted("u", "d", t));
}

TEST(runtime, the_formula_knows_no_cores_of_another_machine) {
  sql_config c;
  c.upstream = {.host = "db.example.net", .port = 5432, .user = "u", .password = "secret"};
  const auto far = sql_runtime::make(c);
  ASSERT_TRUE(far);
  EXPECT_EQ((*far)->cores, 4U);
  EXPECT_EQ((*far)->pool_size, 9U);
  c.pool.database_cores = 16;
  EXPECT_EQ((*sql_runtime::make(c))->cores, 16U);
}

TEST(runtime, reads_a_configuration) {
  sql_config c;
  c.upstream = {.host = "/run/postgresql", .port = 5433, .user = "u", .password = "secret"};
  c.pool.database_cores = 4;
  c.pool.spindles = 1;
  const auto r = sql_runtime::make(c);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ((*r)->target.unix_path, "/run/postgresql/.s.PGSQL.5433");
  EXPECT_EQ((*r)->pool_size, 9U);
  EXPECT_TRUE((*r)->local());
  EXPECT_FALSE((*r)->without_secrets());
  EXPECT_EQ((*r)->server_tls, nullptr);
  c.users = {{.name = "x", .password = "", .scram = "SCRAM-SHA-256$nonsense"}};
  const auto bad = sql_runtime::make(c);
  EXPECT_TRUE(bad);  // not a secret: a password that looks odd, as PostgreSQL reads it
  c.tls_cert = "/nowhere/cert.pem";
  const auto missing = sql_runtime::make(c);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("sql.tls"), std::string::npos);
}

}  // namespace
}  // namespace fairing::sql
