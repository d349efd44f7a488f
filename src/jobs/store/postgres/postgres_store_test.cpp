// The suite of all stores on PostgreSQL, and what only PostgreSQL has: the lock, versions, lost servers, the outbox, lists.
#include "jobs/store/postgres/postgres_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "jobs/store/conformance_test.hpp"
#include "jobs/store/postgres/temporary_cluster.hpp"

namespace fairing::jobs::test {

namespace {

temporary_cluster& cluster() { return temporary_cluster::get(); }

// A database of its own for each test. A session that was just closed may still have the lock for a moment.
std::string fresh_database() {
  static int count = 0;
  return "jobs" + std::to_string(++count);
}
std::unique_ptr<store> open_in_time(const std::string& url) {
  result<std::unique_ptr<store>> s = fail(errc::standby);
  for (int i = 0; i < 500 && !s && s.error().code == errc::standby; ++i) {
    s = open_postgres({.url = url});
    if (!s) std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_TRUE(s) << s.error().message();
  return s ? std::move(*s) : nullptr;
}

struct on_postgres {
  static store_maker make() {
    const auto url = cluster().url(fresh_database());
    return [url] { return open_in_time(url); };
  }
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(postgres, jobs_conformance, on_postgres);

namespace {

TEST(postgres_store, one_instance_has_the_plane_and_another_takes_over) {
  const auto url = cluster().url(fresh_database());
  auto first = open_in_time(url);
  ASSERT_TRUE(first);
  const auto second = open_postgres({.url = url});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::standby);
  EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos)
      << second.error().detail;
  first.reset();
  EXPECT_TRUE(open_in_time(url));
}

TEST(postgres_store, newer_schemas_and_others_schemas_are_refused) {
  const auto newer = fresh_database();
  ASSERT_TRUE(open_in_time(cluster().url(newer)));
  cluster().execute(newer, "UPDATE fairing.about SET version = 99");
  const auto refused = [](const std::string& database) {
    result<std::unique_ptr<store>> s = fail(errc::standby);
    while (!s && s.error().code == errc::standby)
      s = open_postgres({.url = cluster().url(database)});
    EXPECT_FALSE(s);
    return s ? std::string() : s.error().message();
  };
  EXPECT_NE(refused(newer).find("newer"), std::string::npos);
  const auto other = fresh_database();
  (void)cluster().url(other);
  cluster().execute(other, "CREATE SCHEMA fairing; CREATE TABLE fairing.job (id int)");
  EXPECT_NE(refused(other).find("already exists"), std::string::npos);
}

TEST(postgres_store, a_wrong_address_and_a_wrong_name_are_told_apart) {
  const auto nobody = open_postgres({.url = "postgres://a@/b?host=/nowhere"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, errc::fenced);
  auto url = cluster().url(fresh_database());
  url.replace(url.find("postgres@"), 9, "nobody@");
  const auto unknown = open_postgres({.url = url});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, errc::store_failed);
}

// A session that the server ends takes its lock with it: the batch is lost, and nothing more can be written by it.
TEST(postgres_store, a_lost_session_is_fenced_and_what_was_committed_stays) {
  const auto database = fresh_database();
  auto s = open_in_time(cluster().url(database));
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->begin());
  const auto queue = s->add_queue("q");
  ASSERT_TRUE(queue);
  ASSERT_TRUE(s->put({.id = 1, .queue = *queue, .payload = std::string("a\0b\xff", 4)}));
  ASSERT_TRUE(s->commit());
  ASSERT_TRUE(s->begin());
  ASSERT_TRUE(s->put({.id = 2, .queue = *queue}));
  cluster().execute(database,
                    "SELECT pg_terminate_backend(pid, 5000)::text FROM pg_stat_activity WHERE "
                    "application_name LIKE 'fairing jobs%' AND datname = current_database()");
  const auto lost = s->commit();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, errc::fenced);
  s->rollback();
  EXPECT_EQ(s->begin().error().code, errc::fenced);
  s.reset();
  s = open_in_time(cluster().url(database));
  ASSERT_TRUE(s);
  EXPECT_EQ(s->load(1, true)->payload, std::string("a\0b\xff", 4));
  EXPECT_EQ(s->load(2, true).error().code, errc::not_found);
}

// The server dies between COMMIT and its answer: nobody knows, and that is what is said.
TEST(postgres_store, a_commit_without_an_answer_is_told_as_such) {
  const auto database = fresh_database();
  auto s = open_in_time(cluster().url(database));
  ASSERT_TRUE(s);
  cluster().execute(database,
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
                    "pg_sleep(20); RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER slow AFTER "
                    "INSERT ON fairing.job DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
                    "FUNCTION slow()");
  ASSERT_TRUE(s->begin());
  const auto queue = s->add_queue("q");
  ASSERT_TRUE(s->put({.id = 1, .queue = *queue}));
  std::thread killer([&] {
    const std::string in_commit =
        "FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND datname = "
        "current_database()";
    for (int i = 0; i < 2'000; ++i) {
      if (cluster().execute(database, "SELECT count(*)::text " + in_commit) == "1") break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    cluster().execute(database, "SELECT pg_terminate_backend(pid)::text " + in_commit);
  });
  const auto done = s->commit();
  killer.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::unknown_outcome);
  EXPECT_NE(done.error().detail.find("Idempotency-Key"), std::string::npos);
  s->rollback();
  EXPECT_EQ(s->begin().error().code, errc::fenced);
}

// A fault in one statement loses its batch and nothing else, however many were sent behind it.
TEST(postgres_store, a_statement_that_fails_loses_its_batch) {
  auto s = open_in_time(cluster().url(fresh_database()));
  ASSERT_TRUE(s);
  ASSERT_TRUE(s->begin());
  const auto queue = s->add_queue("q");
  for (job_id id = 1; id <= 500; ++id) ASSERT_TRUE(s->put({.id = id, .queue = *queue}));
  ASSERT_TRUE(s->commit());
  ASSERT_TRUE(s->begin());
  ASSERT_TRUE(s->put({.id = 501, .queue = *queue}));
  ASSERT_TRUE(s->put({.id = 7, .queue = *queue}));  // is there already; the answer comes later
  ASSERT_TRUE(s->put({.id = 502, .queue = *queue}));
  EXPECT_EQ(s->load(501, false).error().code, errc::store_failed);
  EXPECT_FALSE(s->put({.id = 503, .queue = *queue}));
  EXPECT_FALSE(s->commit());
  s->rollback();
  ASSERT_TRUE(s->begin());
  EXPECT_EQ(s->load(501, false).error().code, errc::not_found);
  ASSERT_TRUE(s->put({.id = 501, .queue = *queue}));
  ASSERT_TRUE(s->commit());
  EXPECT_EQ(s->counts(*queue)->of[0], 501);
}

// ---- the outbox

std::size_t outbox_rows(const std::string& database) {
  return std::stoul(cluster().execute(database, "SELECT count(*)::text FROM fairing.outbox"));
}

TEST(postgres_outbox, committed_rows_become_jobs_once) {
  const auto database = fresh_database();
  const auto url = cluster().url(database);
  plane_under_test p([url] { return open_in_time(url); });
  cluster().execute(
      database,
      "BEGIN; INSERT INTO fairing.outbox (queue, payload, key, priority, traceparent) "
      "VALUES ('mails', '{\"to\":  \"ann\"}', 'a', 3, "
      "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'); COMMIT; BEGIN; "
      "INSERT INTO fairing.outbox (queue, payload) VALUES ('mails', '1'); ROLLBACK");
  p.stored().on_poke([] {});
  for (int i = 0; i < 1'000 && p.count("mails", job_state::queued) == 0; ++i) {
    p.turn();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  const auto got = p.take("mails");
  EXPECT_EQ(got.work.payload, R"({"to":  "ann"})");
  EXPECT_EQ(got.work.key, "a");
  EXPECT_EQ(got.work.trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(p.take("mails").work.id, 0);
  EXPECT_EQ(outbox_rows(database), 0);
}

TEST(postgres_outbox, a_lost_batch_leaves_the_rows) {
  const auto database = fresh_database();
  const auto url = cluster().url(database);
  plane_under_test p([url] { return open_in_time(url); });
  p.turn();
  cluster().execute(database,
                    "INSERT INTO fairing.outbox (queue, payload) VALUES ('q', '1'), ('q', '2')");
  p.rules().reconfigure({});
  p.begin();
  dispatched out;
  std::size_t taken = 0;
  for (int i = 0; i < 1'000 && taken == 0; ++i) {
    ASSERT_TRUE(p.rules().tick(p.now));
    ASSERT_TRUE(p.rules().dispatch(p.now, out));
    taken = out.events.size();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_EQ(taken, 2);
  p.lose();
  EXPECT_EQ(outbox_rows(database), 2);
  p.turn();
  EXPECT_EQ(p.count("q", job_state::queued), 2);
  EXPECT_EQ(outbox_rows(database), 0);
}

TEST(postgres_outbox, what_cannot_be_a_job_stays_with_the_reason) {
  const auto database = fresh_database();
  const auto url = cluster().url(database);
  plane_under_test p([url] { return open_in_time(url); });
  cluster().execute(database,
                    "INSERT INTO fairing.outbox (queue, payload, priority) VALUES ('q', '1', 500), "
                    "('a queue \xc3\xa4', '1', 0), ('q', '2', 0)");
  for (int i = 0; i < 1'000 && p.count("q", job_state::queued) == 0; ++i) {
    p.turn();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_EQ(
      cluster().execute(database, "SELECT count(*)::text FROM fairing.outbox WHERE refused <> ''"),
      "2");
  cluster().execute(database,
                    "UPDATE fairing.outbox SET priority = 5, refused = NULL WHERE priority = 500");
  for (int i = 0; i < 1'000 && p.count("q", job_state::queued) == 1; ++i) {
    p.turn();
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_EQ(p.count("q", job_state::queued), 2);
  EXPECT_EQ(outbox_rows(database), 1);
}

// ---- lists

TEST(postgres_reader, finds_by_what_people_know) {
  const auto url = cluster().url(fresh_database());
  plane_under_test p([url] { return open_in_time(url); });
  std::vector<job_id> ids;
  for (int i = 0; i < 30; ++i) {
    const auto n = std::to_string(i);
    ids.push_back(p.put(i % 2 == 0 ? "mails" : "files", new_job{.payload = "order-" + n,
                                                                .key = "tenant" + n,
                                                                .attempts = {seconds{0}},
                                                                .trace = "trace" + n}));
  }
  for (auto& j : p.take_some("mails", 5))
    ASSERT_TRUE(p.failed(j, "user " + std::to_string(j.work.id) + " unknown"));
  auto r = open_postgres_reader(url);
  ASSERT_TRUE(r) << r.error().message();
  auto& read = **r;
  const auto only = [&](const job_query& q) {
    const auto page = read.find(q);
    EXPECT_TRUE(page) << page.error().message();
    return page && page->items.size() == 1 ? page->items[0].id : 0;
  };
  EXPECT_EQ(only({.text = id_text(ids[7])}), ids[7]);
  EXPECT_EQ(only({.text = "order-17"}), ids[17]);
  EXPECT_EQ(only({.text = "tenant29"}), ids[29]);
  EXPECT_EQ(only({.text = "trace11"}), ids[11]);
  EXPECT_EQ(only({.state = job_state::dead, .text = std::to_string(ids[4]) + " unknown"}), ids[4]);
  EXPECT_EQ(read.find({.queue = 1, .state = job_state::queued})->items.size(), 10);
  EXPECT_EQ(read.find({.queue = 1, .state = job_state::dead})->items.size(), 5);
  EXPECT_EQ(read.find({.queue = 2, .state = job_state::dead})->items.size(), 0);
  EXPECT_EQ(read.find({.error = "user ID unknown"})->items.size(), 5);
  EXPECT_EQ(read.find({.state = job_state::leased})->items.size(), 0);
  EXPECT_EQ(read.load(ids[3])->payload, "order-3");
  const auto groups = read.errors(std::nullopt, 10);
  ASSERT_EQ(groups->size(), 1);
  EXPECT_EQ(groups->front().error, "user ID unknown");
  EXPECT_EQ(groups->front().count, 5);
}

TEST(postgres_reader, pages_cover_everything_once_also_after_a_lost_connection) {
  const auto database = fresh_database();
  const auto url = cluster().url(database);
  plane_under_test p([url] { return open_in_time(url); });
  for (int i = 0; i < 25; ++i) p.put("mails", new_job{.attempts = {seconds{0}}});
  for (auto& j : p.take_some("mails", 25)) ASSERT_TRUE(p.failed(j));
  auto r = open_postgres_reader(url);
  ASSERT_TRUE(r);
  for (const auto state : {std::optional<job_state>{}, std::optional{job_state::dead}}) {
    job_query q{.queue = 1, .state = state, .most = 10};
    std::vector<job_id> seen;
    do {
      const auto page = (*r)->find(q);
      ASSERT_TRUE(page) << page.error().message();
      for (const auto& j : page->items) seen.push_back(j.id);
      q.after = page->next;
      cluster().execute(database,
                        "SELECT pg_terminate_backend(pid, 5000)::text FROM pg_stat_activity WHERE "
                        "application_name = 'fairing jobs lists'");
    } while (!q.after.empty());
    EXPECT_EQ(seen.size(), 25);
    EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater<>()));
  }
  EXPECT_EQ((*r)->find({.after = "nonsense"}).error().code, errc::bad_request);
}

}  // namespace
}  // namespace fairing::jobs::test
