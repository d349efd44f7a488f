// The API without sockets: what a path means, who may do what, and how each refusal is told.
#include "jobs/session/api.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "codec/http1/parser.hpp"
#include "jobs/session/test_store.hpp"

namespace fairing::jobs {
namespace {

class showing : public writer_observer {
 public:
  explicit showing(queue_view& view) : view_(view) {}
  void on_batch(const batch_report&) override {}
  void on_queues(std::vector<engine::queue_state> queues) override {
    view_.publish(std::move(queues));
  }

 private:
  queue_view& view_;
};

class api_of_jobs : public ::testing::Test {
 protected:
  api_of_jobs() {
    writer_options o{.config = {}, .open_store = [d = disk] { return d->open(); }};
    o.config.queues = {{.name = "emails"}, {.name = "reports", .requests = true}};
    o.most_queued = 2;
    work = std::make_unique<writer>(std::move(o), observer);
    EXPECT_TRUE(work->start());
    api = std::make_unique<jobs_api>(*work, reading, view, verified);
  }
  ~api_of_jobs() override {
    disk->let_go();
    reading.drain();
    work->stop();
  }

  // "POST /v1/queues", as a client on the jobs listener, or as an operator on the admin interface.
  response ask(const std::string& line, const std::string& body = {},
               const std::string& fields = {}, bool admin = false) {
    const auto bytes = line + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    http1::request_head head;
    http1::head_parser parser;
    EXPECT_EQ(parser.parse_request(bytes, head), http1::parse_status::complete) << bytes;
    auto said = std::make_shared<std::promise<response>>();
    auto coming = said->get_future();
    call c{.head = head, .body = body, .admin = admin};
    auto at_once = api->handle(c, [said](const response& r) {
      said->set_value(r);
      return true;
    });
    if (at_once) return *std::move(at_once);
    if (coming.wait_for(std::chrono::seconds{20}) == std::future_status::ready) return coming.get();
    ADD_FAILURE() << "no answer to " << line;
    return {};
  }
  response operator_asks(const std::string& line) { return ask(line, {}, {}, true); }
  void refused(const response& r, int status, const std::string& slug,
               const std::string& word = {}) {
    EXPECT_EQ(r.status, status) << r.body;
    EXPECT_NE(r.body.find("urn:fairing:problem:" + slug + '"'), std::string::npos) << r.body;
    EXPECT_NE(r.body.find(word), std::string::npos) << r.body;
    EXPECT_EQ(r.content_type, "application/problem+json");
  }
  static std::string field(const response& r, std::string_view name) {
    for (const auto& [n, value] : r.fields)
      if (n == name) return std::string(value);
    return {};
  }
  // The text of a member of an answer.
  static std::string member(const response& r, const std::string& name) {
    const auto at = r.body.find('"' + name + "\":\"");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 4;
    return r.body.substr(from, r.body.find('"', from) - from);
  }
  std::string put(const std::string& body = R"({"payload": 1})") {
    const auto r = ask("POST /v1/queues/emails/jobs", body);
    EXPECT_EQ(r.status, 201) << r.body;
    return member(r, "id");
  }
  std::string lease() { return member(ask("POST /v1/queues/emails/lease", "{}"), "lease"); }

  std::shared_ptr<test::test_disk> disk = std::make_shared<test::test_disk>();
  queue_view view;
  showing observer{view};
  reads reading{[]() -> result<std::unique_ptr<reader>> { return fail(errc::store_failed, "no"); }};
  std::unique_ptr<writer> work;
  bus::write_sets sets;
  verifier verified{sets};
  std::unique_ptr<jobs_api> api;
};

TEST_F(api_of_jobs, paths_that_are_not_there) {
  for (const auto* line :
       {"GET /v2/jobs", "GET /v1/job", "GET /v1/jobs/0000000000000/what", "POST /v1/leases/x",
        "GET /v1/jobs/0000000000000/result/more", "POST /v1/queues/emails/dance"})
    refused(ask(line), 404, "not-found");
  for (const auto* line :
       {"GET /v1/queues/emails", "POST /v1/queues/emails", "PUT /v1/queues/emails/"})
    refused(ask(line, "{}"), 404, "not-found", "POST /v1/queues/emails/lease");
  refused(ask("GET /v1/jobs/short"), 404, "not-found", "13 characters");
  refused(ask("POST /v1/queues/a%20b/jobs", "{}"), 400, "bad-request", "no name of a queue");
  refused(ask("GET /v1/jobs/0000000000000"), 404, "not-found", "0000000000000");
}

TEST_F(api_of_jobs, a_job_that_is_not_there_is_not_waited_for) {
  refused(ask("GET /v1/jobs/0000000000000?wait=20"), 404, "not-found", "0000000000000");
  refused(ask("GET /v1/jobs/0000000000001?wait=20"), 404, "not-found", "0000000000001");
  refused(operator_asks("GET /v1/jobs/0000000000000?wait=20"), 404, "not-found");
}

TEST_F(api_of_jobs, queues_come_by_pages_and_in_the_order_asked_for) {
  put();
  EXPECT_EQ(ask("POST /v1/queues/crons/jobs", R"({"payload": 1})").status, 201);
  EXPECT_EQ(ask("POST /v1/queues/emails/pause").status, 200);
  const auto names = [this](const std::string& query) {
    std::string out;
    const auto r = operator_asks("GET /v1/queues" + query);
    EXPECT_EQ(r.status, 200) << r.body;
    for (auto at = r.body.find("{\"name\":\""); at != std::string::npos;
         at = r.body.find("{\"name\":\"", at + 1))
      out += r.body.substr(at + 9, r.body.find('"', at + 9) - at - 9) + ' ';
    const auto next = r.body.find("\"next\":");
    return out + r.body.substr(next + 7, r.body.find(',', next) - next - 7);
  };
  EXPECT_EQ(names(""), "emails reports crons null");
  EXPECT_EQ(names("?sort=name"), "crons emails reports null");
  EXPECT_EQ(names("?sort=name&limit=2"), "crons emails \"2\"");
  EXPECT_EQ(names("?sort=name&limit=2&after=2"), "reports null");
  EXPECT_EQ(names("?sort=name&after=7"), "null");
  EXPECT_EQ(names("?sort=dead"), "crons emails reports null") << "as many: by name";
  EXPECT_EQ(names("?sort=trouble&limit=1"), "emails \"1\"") << "it is paused";
  EXPECT_EQ(names("?q=on"), "crons null");
  EXPECT_EQ(names("?q=x"), "null");
  const auto total = ask("GET /v1/queues?q=r&limit=1").body;
  EXPECT_NE(total.find(R"("total":{"queues":2,"depth":{"queued":)"), std::string::npos) << total;
  for (const auto* odd : {"?sort=size", "?limit=0", "?limit=1001", "?after=x", "?page=1"})
    refused(ask(std::string("GET /v1/queues") + odd), 400, "bad-request");
}

TEST_F(api_of_jobs, a_wrong_method_is_told_the_right_ones) {
  const auto no = ask("GET /v1/queues/emails/jobs");
  refused(no, 405, "method-not-allowed");
  EXPECT_EQ(field(no, "Allow"), "POST");
  EXPECT_EQ(field(ask("PUT /v1/jobs/0000000000000"), "Allow"), "GET, DELETE");
  EXPECT_EQ(field(ask("POST /v1/jobs"), "Allow"), "GET");
  EXPECT_EQ(field(ask("GET /v1/leases/x/ack"), "Allow"), "POST");
}

TEST_F(api_of_jobs, a_jobs_life) {
  const auto id = put();
  refused(ask("GET /v1/jobs/" + id + "/result"), 409, "not-finished", "queued");
  const auto token = lease();
  ASSERT_EQ(token.size(), 26);
  EXPECT_EQ(member(ask("GET /v1/jobs/" + id), "state"), "leased");
  EXPECT_EQ(ask("POST /v1/leases/" + token + "/extend", R"({"lease": 60})").status, 200);
  EXPECT_EQ(ask("POST /v1/leases/" + token + "/progress", R"({"progress": "half"})").status, 200);
  EXPECT_EQ(ask("POST /v1/leases/" + token + "/ack", R"({"result": {"n": 1}})").status, 200);
  const auto result = ask("GET /v1/jobs/" + id + "/result");
  EXPECT_EQ(result.body, R"({"n": 1})");
  refused(ask("POST /v1/leases/" + token + "/ack"), 409, "stale-lease");
  refused(ask("POST /v1/leases/" + token + "/dance"), 404, "not-found", "ack, fail, extend");
  refused(ask("POST /v1/leases/short/ack"), 409, "stale-lease", "26 characters");
  refused(ask("DELETE /v1/jobs/" + id), 409, "conflict", "done already");
}

TEST_F(api_of_jobs, a_status_knows_its_version) {
  const auto id = put();
  const auto tag = field(ask("GET /v1/jobs/" + id), "ETag");
  const auto same = ask("GET /v1/jobs/" + id, {}, "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  (void)lease();
  EXPECT_EQ(ask("GET /v1/jobs/" + id, {}, "If-None-Match: W/" + tag + "\r\n").status, 200);
  refused(ask("GET /v1/jobs/" + id + "?wait=soon"), 400, "bad-request", "?wait=30");
  refused(ask("GET /v1/jobs/" + id + "?await=1"), 400, "bad-request", "`await`");
}

TEST_F(api_of_jobs, cancelling_says_how_far_it_was) {
  EXPECT_EQ(ask("DELETE /v1/jobs/" + put()).status, 204);
  const auto id = put();
  const auto token = lease();
  EXPECT_EQ(ask("DELETE /v1/jobs/" + id).status, 202);
  refused(ask("POST /v1/leases/" + token + "/ack"), 409, "stale-lease");
}

TEST_F(api_of_jobs, operators_look_and_steer_but_put_and_work_nothing) {
  const auto id = put();
  EXPECT_EQ(operator_asks("GET /v1/jobs/" + id).status, 200);
  EXPECT_EQ(operator_asks("POST /v1/queues/emails/pause").status, 200);
  refused(operator_asks("POST /v1/queues/emails/jobs"), 404, "not-found");
  refused(operator_asks("POST /v1/queues/emails/lease"), 404, "not-found");
  refused(operator_asks("POST /v1/leases/00000000000000000000000000/ack"), 404, "not-found");
}

TEST_F(api_of_jobs, requests_that_were_put_off_are_their_clients_own) {
  refused(ask("POST /v1/queues/reports/jobs", "{}"), 409, "conflict", "http plane put off");
  refused(ask("POST /v1/queues/reports/lease", "{}"), 409, "conflict");
  refused(ask("POST /v1/queues/reports/redrive", R"({"to": "emails"})"), 409, "conflict", "stay");
  refused(ask("POST /v1/queues/emails/redrive", R"({"to": "reports"})"), 409, "conflict", "stay");
  // As the http plane does it.
  enqueue e{.queue = "reports"};
  e.jobs.push_back({.payload = "POST /r HTTP/1.1\r\nAuthorization: Bearer t\r\n\r\n",
                    .content_type = "message/http",
                    .owner = "principal:1"});
  std::promise<job_id> said;
  std::vector<command> one;
  one.emplace_back(std::move(e));
  ASSERT_TRUE(work->submit(nullptr, std::move(one), [&said](std::vector<result<reply>> r) {
    said.set_value(std::get<enqueued>(*r.front()).jobs[0].id);
  }));
  const auto id = id_text(said.get_future().get());
  const auto seen = ask("GET /v1/jobs/" + id);
  EXPECT_NE(seen.body.find(R"("payload":"POST /r HTTP/1.1")"), std::string::npos) << seen.body;
  EXPECT_EQ(seen.body.find("Bearer"), std::string::npos);
  EXPECT_EQ(seen.body.find("principal"), std::string::npos);
  refused(ask("GET /v1/jobs/" + id + "/result"), 409, "conflict", "by that client");
  refused(operator_asks("GET /v1/jobs/" + id + "/result"), 409, "conflict", "by that client");
}

TEST_F(api_of_jobs, a_store_that_says_no_is_told_by_its_name) {
  const std::tuple<errc, int, const char*> cases[] = {
      {errc::full, 507, "job-store-full"},
      {errc::store_failed, 503, "job-store-down"},
      {errc::unknown_outcome, 503, "outcome-unknown"},
      {errc::too_large, 413, "body-too-large"},
      {errc::unsupported, 422, "unsupported"},
      {errc::fenced, 503, "job-store-down"},  // the last: the store is closed then
  };
  for (const auto& [code, status, slug] : cases) {
    SCOPED_TRACE(slug);
    disk->fail_puts(code, 1);
    const auto no = ask("POST /v1/queues/emails/jobs", "{}");
    refused(no, status, slug, "the test's disk");
    EXPECT_EQ(field(no, "Retry-After"), status == 503 ? "1" : "");
  }
}

TEST_F(api_of_jobs, too_much_at_once_is_told_at_once) {
  disk->hold();
  const auto nothing = [](const auto&) {};
  std::vector<command> one;
  one.emplace_back(enqueue{.queue = "emails", .jobs = {new_job{.payload = "{}"}}});
  ASSERT_TRUE(work->submit(nullptr, one, nothing));
  disk->wait_for_commit();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(work->submit(nullptr, one, nothing));
  for (const auto* line : {"POST /v1/queues/emails/jobs", "POST /v1/queues/emails/lease",
                           "GET /v1/jobs/0000000000000?wait=5", "POST /v1/queues/emails/pause"}) {
    const auto no = ask(line, "{}");
    refused(no, 503, "overloaded");
    EXPECT_EQ(field(no, "Retry-After"), "1");
  }
  EXPECT_EQ(ask("GET /v1/queues").status, 200) << "what needs no store is answered";
}

TEST_F(api_of_jobs, lists_say_what_they_take) {
  refused(ask("GET /v1/jobs?colour=red"), 400, "bad-request", "`colour`");
  refused(ask("GET /v1/jobs?state=lost"), 400, "bad-request", "queued, scheduled");
  refused(ask("GET /v1/jobs?limit=0"), 400, "bad-request", "1 to 1000");
  refused(ask("GET /v1/jobs?queue=nobody"), 404, "not-found", "nobody");
  refused(ask("GET /v1/failures?queue=nobody"), 404, "not-found", "nobody");
  refused(ask("GET /v1/jobs"), 503, "job-store-down");
}

TEST_F(api_of_jobs, what_was_there_before_is_not_shown_while_the_store_is_down_or_anothers) {
  put();
  for (const auto& [code, slug] :
       {std::pair{errc::fenced, "job-store-down"}, std::pair{errc::standby, "job-store-standby"}}) {
    disk->refuse_to_open(code);
    disk->fail_next(errc::fenced);
    EXPECT_EQ(ask("POST /v1/queues/emails/jobs", "{}").status, 503);
    const auto refuses = [&] {
      const auto ready = work->check_ready();
      return !ready && ready.error().code == code;
    };
    while (!refuses()) std::this_thread::yield();
    refused(ask("GET /v1/queues"), 503, slug);
    refused(operator_asks("GET /v1/queues"), 503, slug);
    refused(ask("GET /v1/jobs?queue=nobody"), 503, slug);
    refused(ask("GET /v1/failures?queue=nobody"), 503, slug);
    disk->refuse_to_open(std::nullopt);
    while (!work->ready()) std::this_thread::yield();
  }
  EXPECT_EQ(ask("GET /v1/queues").status, 200);
}

}  // namespace
}  // namespace fairing::jobs
