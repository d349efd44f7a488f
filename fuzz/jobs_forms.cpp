// Whatever workers and producers send is a command within its limits, or an error that names what is wrong.
#include "jobs/session/forms.hpp"

#include <algorithm>

#include "base/json_scan.hpp"
#include "codec/http1/parser.hpp"
#include "fuzz/support.hpp"

using namespace fairing;
using namespace fairing::jobs;
using fairing::fuzz::require;

namespace {

void check(const new_job& j, bool json) {
  require(!json || json_valid(j.payload), "a JSON payload is kept as JSON");
  require(j.priority >= -100 && j.priority <= 100, "a priority");
  require(j.attempts.size() <= 33, "a ladder");
  require(j.idempotency_key.empty() == j.fingerprint.empty(), "a key stands for a request");
  for (const auto& d : {j.delay, j.timeout, j.unique_for})
    require(!d || d->count() >= 0, "durations do not go back");
  for (const auto d : j.attempts) require(d.count() >= 0, "nor do attempts");
}

template <class T>
bool told(const result<T>& r) {
  if (r) return true;
  require(r.error().code == errc::bad_request || r.error().code == errc::unsupported, "a refusal");
  require(!r.error().detail.empty(), "that says why");
  return false;
}

void enqueue_form_of(const codec::http1::request_head& head, std::string_view body) {
  const auto form = read_enqueue("q", head, body);
  if (!told(form)) return;
  const auto& jobs = form->what.jobs;
  require(!jobs.empty() && jobs.size() <= 1000, "1 to 1000 jobs");
  require(!form->single || jobs.size() == 1, "one is one");
  const bool event = std::ranges::any_of(jobs.front().fields,
                                         [](const auto& f) { return f.first == "ce-specversion"; });
  for (const auto& j : jobs) check(j, !event);
  if (const auto& last = form->what.on_complete) check(*last, true);
  const auto again = read_enqueue("q", head, body);
  require(again && again->what.jobs.front().fingerprint == jobs.front().fingerprint, "the same");
}

}  // namespace

// Header lines, an empty line, the body; the body is tried as each of the forms.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto end = text.find("\r\n\r\n");
  const auto fields = text.substr(0, end);
  const auto body = end == std::string_view::npos ? std::string_view{} : text.substr(end + 4);
  std::string bytes = "POST /v1/queues/q/jobs HTTP/1.1\r\nHost: a\r\n";
  bytes.append(fields).append(fields.empty() ? "\r\n" : "\r\n\r\n");
  codec::http1::request_head head;
  codec::http1::head_parser parser;
  if (parser.parse_request(bytes, head) != codec::http1::parse_status::complete) return 0;
  enqueue_form_of(head, body);
  const lease_token t{1, 2};
  if (const auto l = read_lease(body); told(l))
    require(l->most >= 1 && l->most <= 100 && l->wait >= milliseconds{0} && l->wait <= longest_wait,
            "a lease");
  if (const auto a = read_ack(t, head, body); told(a))
    require(a->result_type != "application/json" || a->result.empty() || json_valid(a->result) ||
                !head.get(codec::http1::field::content_type).empty(),
            "a result");
  if (const auto f = read_fail(t, body); told(f)) require(!f->error.empty(), "an error has a text");
  if (const auto e = read_extend(t, body); told(e)) require(e->length.count() > 0, "some time");
  (void)told(read_progress(t, body));
  (void)told(read_redrive("q", body));
  (void)read_duration(text);
  return 0;
}
