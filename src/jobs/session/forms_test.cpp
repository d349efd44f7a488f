#include "jobs/session/forms.hpp"

#include <gtest/gtest.h>

#include "base/timestamp.hpp"
#include "codec/http1/parser.hpp"

namespace fairing::jobs {
namespace {

namespace http1 = codec::http1;

// A head as it comes from the wire; owns its bytes.
struct asked {
  explicit asked(const std::string& fields = {})
      : bytes("POST /v1/queues/q/jobs HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    http1::head_parser parser;
    EXPECT_EQ(parser.parse_request(bytes, head), http1::parse_status::complete) << bytes;
  }
  asked(const asked&) = delete;
  asked& operator=(const asked&) = delete;
  std::string bytes;
  http1::request_head head;
};

result<enqueue_form> read(const std::string& body, const std::string& fields = {}) {
  const asked a(fields);
  return read_enqueue("q", a.head, body);
}
template <class T>
std::string fault(const result<T>& r) {
  EXPECT_FALSE(r);
  return r ? "" : r.error().message();
}
std::string fault_of(const std::string& body, const std::string& fields = {}) {
  return fault(read(body, fields));
}
bool says(const std::string& what, std::string_view part) {
  return what.find(part) != std::string::npos;
}

TEST(forms, one_job_with_all_that_can_be_said_of_it) {
  const auto f = read(
      R"({"payload": {"n": 12345678901234567890, "s": "\u00e4"}, "delay": "1m30s", "priority": -100, "key": "k",)"
      R"( "unique": "u", "unique_for": 60, "timeout": 5, "attempts": [0, "1m", "5m"]})");
  ASSERT_TRUE(f) << f.error().message();
  EXPECT_TRUE(f->single);
  ASSERT_EQ(f->what.jobs.size(), 1);
  const auto& j = f->what.jobs[0];
  EXPECT_EQ(j.payload, R"({"n": 12345678901234567890, "s": "\u00e4"})") << "kept as it was sent";
  EXPECT_EQ(j.delay, milliseconds{90'000});
  EXPECT_EQ(j.priority, -100);
  EXPECT_EQ(j.key + j.unique, "ku");
  EXPECT_EQ(j.unique_for, milliseconds{60'000});
  EXPECT_EQ(j.timeout, milliseconds{5'000});
  EXPECT_EQ(j.attempts, (std::vector<milliseconds>{seconds{0}, seconds{60}, seconds{300}}));
  EXPECT_EQ(j.idempotency_key, "");
}

TEST(forms, nothing_is_a_job_without_a_payload) {
  for (const auto* body : {"{}", R"({"key": null})"}) {
    const auto f = read(body);
    ASSERT_TRUE(f) << body;
    EXPECT_EQ(f->what.jobs.at(0).payload, "null") << body;
  }
}

TEST(forms, a_wrong_member_is_named) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not JSON"},
      {"[]", "JSON object"},
      {R"({"prio": 1})", "`prio` is not known here"},
      {R"({"priority": 101})", "`priority` must be from -100 to 100"},
      {R"({"priority": 1.5})", "`priority`"},
      {R"({"delay": -1})", "`delay` must be seconds"},
      {R"({"delay": "soon"})", "`delay` must be seconds"},
      {R"({"key": 7})", "`key` must be a string"},
      {"", "the body is empty"},
      {"  ", "the body is empty"},
      {R"({"attempts": 5})", "`attempts` must be a list"},
      {R"({"attempts": []})", "1 to 32"},
      {R"({"attempts": [1, "x"]})", "`attempts`"},
      {R"({"run_at": "2026-13-01T00:00:00Z"})", "RFC 3339"},
      {R"({"queue": "other"})", "`queue` is not known here"},
      {R"({"jobs": []})", "`jobs` must be a list of 1 to 1000 jobs"},
      {R"({"jobs": 5})", "`jobs` must be a list"},
      {R"({"jobs": [{"payload": 1}, {"payload": 1, "prio": 1}]})", "jobs[1]: `prio`"},
      {R"({"jobs": [{}], "on_complete": {"delay": "x"}})", "on_complete: `delay`"},
      {R"({"jobs": [{}], "payload": 1})", "`payload` is not known here"},
  };
  for (const auto& [body, word] : cases) {
    const auto r = read(body);
    ASSERT_FALSE(r) << body;
    EXPECT_EQ(r.error().code, errc::bad_request) << body;
    EXPECT_TRUE(says(r.error().message(), word)) << body << ": " << r.error().message();
  }
}

TEST(forms, a_list_is_bounded) {
  std::string all = R"({"jobs": [)";
  for (int i = 0; i < 1'000; ++i) all += i == 0 ? "{}" : ",{}";
  EXPECT_EQ(read(all + "]}")->what.jobs.size(), 1'000);
  EXPECT_TRUE(says(fault_of(all + ",{}]}"), "1 to 1000"));
  std::string steps = "0";
  for (int i = 0; i < 32; ++i) steps += ",0";
  EXPECT_TRUE(says(fault_of(R"({"attempts": [)" + steps + "]}"), "1 to 32"));
}

TEST(forms, a_media_type_that_is_none_of_ours_is_unsupported) {
  const auto r = read("a,b", "Content-Type: text/csv\r\n");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::unsupported);
  EXPECT_TRUE(read("{}", "Content-Type: application/json; charset=utf-8\r\n"));
  EXPECT_TRUE(read("{}", "Content-Type: application/x-www-form-urlencoded\r\n"));  // curl -d
}

// ---- Idempotency-Key

TEST(forms, a_key_is_one_field_with_or_without_quotes) {
  const auto key = [](const std::string& fields) {
    return read("{}", fields)->what.jobs.at(0).idempotency_key;
  };
  EXPECT_EQ(key("Idempotency-Key: 8e03978e\r\n"), "8e03978e");
  EXPECT_EQ(key("Idempotency-Key: \"8e03978e\"\r\n"), "8e03978e");
  EXPECT_EQ(key("Idempotency-Key: order 7\r\n"), "order 7");
  EXPECT_EQ(key("Idempotency-Key: " + std::string(200, 'x') + "\r\n").size(), 200);
  for (const auto* fields :
       {"Idempotency-Key: \r\n", "Idempotency-Key: \"\"\r\n", "Idempotency-Key: \xc3\xa4\r\n",
        "Idempotency-Key: a\r\nIdempotency-Key: a\r\n"})
    EXPECT_TRUE(says(fault_of("{}", fields), "Idempotency-Key is one field")) << fields;
  EXPECT_TRUE(
      says(fault_of("{}", "Idempotency-Key: " + std::string(201, 'x') + "\r\n"), "1 to 200"));
}

TEST(forms, a_key_stands_for_the_whole_request) {
  const std::string key = "Idempotency-Key: k\r\n";
  const auto one = read(R"({"payload": 1})", key);
  const auto list = read(R"({"jobs": [{"payload": 1}, {}], "on_complete": {}})", key);
  ASSERT_TRUE(one && list);
  const auto& jobs = list->what.jobs;
  // One job and a list of them under the same key meet in the first one's name, with other fingerprints.
  EXPECT_EQ(jobs[0].idempotency_key, one->what.jobs[0].idempotency_key);
  EXPECT_NE(jobs[0].fingerprint, one->what.jobs[0].fingerprint);
  EXPECT_NE(jobs[1].idempotency_key, jobs[0].idempotency_key);
  EXPECT_NE(list->what.on_complete->idempotency_key, "");
  for (const auto& j : jobs) EXPECT_EQ(j.idempotency_scope, "q");
  // No key that a client can send is the name of another key's second job.
  EXPECT_TRUE(says(jobs[1].idempotency_key, "\n"));
  EXPECT_EQ(read(R"({"payload": 1})", key)->what.jobs[0].fingerprint,
            one->what.jobs[0].fingerprint);
}

TEST(forms, an_event_in_binary_mode_is_more_than_its_body) {
  const auto print = [](const std::string& type) {
    return read("x",
                "Idempotency-Key: k\r\nContent-Type: text/plain\r\nce-specversion: 1.0\r\n"
                "ce-id: 1\r\nce-source: /s\r\nce-type: " +
                    type + "\r\n")
        ->what.jobs.at(0)
        .fingerprint;
  };
  EXPECT_EQ(print("paid"), print("paid"));
  EXPECT_NE(print("paid"), print("refunded"));
}

// ---- CloudEvents

TEST(forms, a_structured_event) {
  const auto f = read(
      R"({"specversion":"1.0","id":"e1","source":"/shop","type":"order","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{"n": 1}})",
      "Content-Type: application/cloudevents+json; charset=utf-8\r\n");
  ASSERT_TRUE(f) << f.error().message();
  const auto& j = f->what.jobs.at(0);
  EXPECT_EQ(j.payload, R"({"n": 1})");
  EXPECT_EQ(j.trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_TRUE(j.unique.starts_with("ce:"));
  EXPECT_EQ(j.unique_for, milliseconds{86'400'000});
  const auto text = read(
      R"({"specversion":"1.0","id":"e1","source":"/shop","type":"order","datacontenttype":"text/plain","data":"a\nb"})",
      "Content-Type: application/cloudevents+json\r\n");
  EXPECT_EQ(text->what.jobs.at(0).payload, "a\nb");
  EXPECT_EQ(text->what.jobs.at(0).unique, j.unique) << "source and id name an event";
}

TEST(forms, a_batch_of_events) {
  const std::string type = "Content-Type: application/cloudevents-batch+json; charset=utf-8\r\n";
  const auto event = [](int id, const std::string& more) {
    return R"({"specversion":"1.0","id":")" + std::to_string(id) +
           R"(","source":"/shop","type":"order")" + more + "}";
  };
  const auto f = read("[" + event(1, R"(,"data":{"n": 1})") + ", " + event(2, "") + "]", type);
  ASSERT_TRUE(f) << f.error().message();
  EXPECT_FALSE(f->single);
  ASSERT_EQ(f->what.jobs.size(), 2U);
  EXPECT_EQ(f->what.jobs[0].payload, R"({"n": 1})");
  EXPECT_EQ(f->what.jobs[1].payload, "null");
  EXPECT_NE(f->what.jobs[0].unique, f->what.jobs[1].unique);
  EXPECT_TRUE(says(fault_of("[" + event(1, "") + ",{}]", type), "event 1: a CloudEvent needs"));
  EXPECT_TRUE(says(fault_of("[]", type), "1 to 1000"));
  EXPECT_TRUE(says(fault_of(event(1, ""), type), "list"));
  EXPECT_TRUE(says(fault_of("[", type), "not JSON"));
  std::string many = "[" + event(0, "");
  for (int i = 1; i <= 1'000; ++i) many += "," + event(i, "");
  EXPECT_TRUE(says(fault_of(many + "]", type), "1 to 1000"));
}

TEST(forms, events_that_are_none) {
  const std::string type = "Content-Type: application/cloudevents+json\r\n";
  EXPECT_TRUE(says(fault_of("{", type), "not JSON"));
  EXPECT_TRUE(says(fault_of("[]", type), "JSON object"));
  EXPECT_TRUE(says(fault_of(R"({"specversion":"0.3"})", type), "specversion 1.0"));
  EXPECT_TRUE(says(fault_of(R"({"specversion":"1.0","id":"1","source":"/s"})", type), "type"));
  EXPECT_TRUE(says(
      fault_of(R"({"specversion":"1.0","id":"1","source":"/","type":"t","data_base64":"eA=="})",
               type),
      "binary mode"));
  EXPECT_TRUE(says(fault_of("x", "ce-specversion: 1.0\r\n"), "id, source and type"));
}

// ---- what workers send

TEST(forms, leases) {
  const auto none = read_lease("");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->most, 1);
  EXPECT_EQ(none->wait, milliseconds{0});
  EXPECT_EQ(none->length, std::nullopt);
  const auto all = read_lease(R"({"max": 100, "wait": "10m", "lease": "500ms"})");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->most, 100);
  EXPECT_EQ(all->wait, longest_wait);
  EXPECT_EQ(all->length, milliseconds{500});
  for (const auto* body : {R"({"max": 0})", R"({"max": 101})", R"({"max": -1})", R"({"lease": 0})",
                           R"({"lease": "25h"})", R"({"wait": "x"})", R"({"length": 5})", "5", "{"})
    EXPECT_NE(fault(read_lease(body)), "") << body;
}

TEST(forms, ends_of_jobs) {
  const lease_token t{7, 9};
  const asked json;
  EXPECT_EQ(read_ack(t, json.head, "")->result, "");
  EXPECT_EQ(read_ack(t, json.head, R"({"result": [1, 2]})")->result, "[1, 2]");
  EXPECT_TRUE(says(fault(read_ack(t, json.head, R"({"reslt": 1})")), "`reslt`"));
  const asked bytes("Content-Type: image/png\r\n");
  const auto raw = read_ack(t, bytes.head, "{not json");
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->result_type + ' ' + raw->result, "image/png {not json");
  const auto failed = read_fail(t, R"({"error": "no", "retry_after": 120, "dead": false})");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error, "no");
  EXPECT_EQ(failed->retry_after, milliseconds{120'000});
  EXPECT_EQ(read_fail(t, "")->error, "failed");
  EXPECT_TRUE(says(fault(read_fail(t, R"({"dead": "yes"})")), "`dead` must be true or false"));
  EXPECT_EQ(read_extend(t, R"({"lease": 30})")->length, milliseconds{30'000});
  EXPECT_TRUE(says(fault(read_extend(t, "{}")), "how long"));
  EXPECT_TRUE(says(fault(read_extend(t, R"({"length": 30})")), "`length`"));
  EXPECT_EQ(read_progress(t, R"({"progress": "half"})")->text, "half");
  EXPECT_EQ(read_progress(t, R"({"progress": {"page": 3}})")->text, R"({"page": 3})");
}

TEST(forms, redrives) {
  const auto all = read_redrive("q", R"({"to": "r", "max": 10, "rate": "10/s", "error": "e"})");
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->queue + all->to + all->error, "qre");
  EXPECT_EQ(all->most, 10);
  ASSERT_TRUE(all->pace);
  EXPECT_EQ(all->pace->count, 10);
  EXPECT_TRUE(says(fault(read_redrive("q", R"({"id": "7"})")), "`id` must be the id of a job"));
  EXPECT_TRUE(says(fault(read_redrive("q", R"({"rate": 5})")), "`rate` must be like"));
  EXPECT_TRUE(says(fault(read_redrive("q", R"({"max": -1})")), "`max`"));
}

TEST(forms, durations_are_seconds_or_words) {
  EXPECT_EQ(read_duration("30"), milliseconds{30'000});
  EXPECT_EQ(read_duration("1m30s"), milliseconds{90'000});
  EXPECT_EQ(read_duration("250ms"), milliseconds{250});
  for (const auto* text : {"", "-1", "1.5", "99999999999999999999", "soon", "1 m"})
    EXPECT_EQ(read_duration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace fairing::jobs
