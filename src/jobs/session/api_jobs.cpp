// Jobs one by one: put, read, wait for, cancel.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/json.hpp"
#include "jobs/session/api.hpp"
#include "jobs/session/forms.hpp"
#include "jobs/session/job_json.hpp"
#include "service/query.hpp"

namespace fairing::jobs {
namespace {

response refuse_form(const error& e) {
  if (e.code == errc::unsupported) return refuse(problem::unsupported_media_type, e.message());
  return refuse(e);
}

void append_put(std::string& out, const enqueued::one& one) {
  out += R"({"id":")";
  out += id_text(one.id);
  out += R"(","state":")";
  out += to_string(one.state);
  out += one.existed ? R"(","existed":true})" : "\"}";
}

response put_answer(const enqueued& what, bool single) {
  response r;
  bool all_existed = true;
  for (const auto& one : what.jobs) all_existed = all_existed && one.existed;
  r.status = all_existed && !what.jobs.empty() ? 200 : 201;
  if (single && !what.jobs.empty()) {
    append_put(r.body, what.jobs.front());
    r.fields.emplace_back("Location", "/v1/jobs/" + id_text(what.jobs.front().id));
  } else {
    r.body += R"({"jobs":[)";
    for (std::size_t i = 0; i < what.jobs.size(); ++i) {
      if (i > 0) r.body += ',';
      append_put(r.body, what.jobs[i]);
    }
    r.body += ']';
    if (what.batch != 0) append_member(r.body, "batch", id_text(what.batch));
    r.body += '}';
  }
  r.body += '\n';
  return r;
}

std::string_view known_etag(const http1::request_head& head) {
  auto tag = head.get(http1::field::if_none_match);
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

// The version inside an ETag of ours; 1 stands for one that was never made here.
std::uint64_t version_in(std::string_view etag) {
  if (etag.empty()) return 0;
  if (etag.size() != 18) return 1;
  return std::strtoull(std::string(etag.substr(1, 16)).c_str(), nullptr, 16);
}

}  // namespace

jobs_api::answer jobs_api::put_jobs(const call& c, std::string_view queue, later& done) {
  auto form = read_enqueue(queue, c.head, c.body);
  if (!form) return refuse_form(form.error());
  const bool single = form->single;
  std::vector<command> one;
  one.emplace_back(std::move(form->what));
  return submit(c, std::move(one), done, [single](std::vector<result<reply>>& r) {
    if (r.front()) return put_answer(std::get<enqueued>(*r.front()), single);
    if (r.front().error().code == errc::conflict)
      return refuse(problem::key_reused, r.front().error().message());
    return refuse(r.front().error());
  });
}

response jobs_api::show(const job& j, std::string_view known) const {
  response r;
  const auto tag = etag_of(j);
  r.fields.emplace_back("ETag", tag);
  if (!finished(j.state)) r.fields.emplace_back("Retry-After", "1");
  if (!known.empty() && known == tag) {
    r.status = 304;
    return r;
  }
  append_job(r.body, j, queues_.get()->name_of(j.queue),
             {.payload = true, .history = true, .now = writer_.time()});
  r.body += '\n';
  return r;
}

// ?wait=SECONDS: until the job has finished; with If-None-Match until it has changed.
jobs_api::answer jobs_api::status(const call& c, job_id id, later& done) {
  const service::query_params query(c.head.query);
  if (const auto odd = query.unknown({"wait"}); !query.ok() || !odd.empty())
    return refuse(problem::bad_request, fmt::format("`{}` is not known here; `wait` is", odd));
  const auto known = known_etag(c.head);
  auto answered = [this, tag = std::string(known)](std::vector<result<reply>>& r) {
    if (!r.front()) return refuse(r.front().error());
    return show(std::get<job>(*r.front()), tag);
  };
  const auto wait = query.get("wait");
  if (!wait) {
    std::vector<command> one;
    one.emplace_back(read_job{id});
    return submit(c, std::move(one), done, std::move(answered));
  }
  const auto length = read_duration(*wait);
  if (!length) return refuse(problem::bad_request, "`wait` is in seconds: ?wait=30");
  const watch_request what{id, version_in(known),
                           writer_.steady_now() + std::min(*length, longest_wait).count()};
  const bool taken = writer_.watch(c.core, what,
                                   [d = std::move(done), f = std::move(answered)](
                                       std::vector<result<reply>> r) mutable { (void)d(f(r)); });
  if (taken) return std::nullopt;
  return refuse(problem::overloaded, "10,000 commands wait for the job store");
}

jobs_api::answer jobs_api::job_result(const call& c, job_id id, later& done) {
  return submit_one(c, read_job{id}, done, [](reply& what) {
    auto& j = std::get<job>(what);
    if (is_kept_request(j))
      return refuse(problem::conflict, fmt::format("job {} is a request that the http plane put "
                                                   "off: its answer is read at the address that "
                                                   "its client was given, by that client",
                                                   id_text(j.id)));
    if (!finished(j.state))
      return refuse(problem::not_finished,
                    fmt::format("job {} is {}", id_text(j.id), to_string(j.state)));
    if (j.state != job_state::done)
      return refuse(problem::conflict, fmt::format("job {} is {}: it has no result", id_text(j.id),
                                                   to_string(j.state)));
    response r;
    if (j.result_status != 0) r.status = j.result_status;
    if (j.result.empty() && j.result_status == 0) r.status = 204;
    r.content_type = j.result_type;
    r.body = std::move(j.result);
    return r;
  });
}

// 204: it had not begun. 202: a worker has it, and its lease is void from now on.
jobs_api::answer jobs_api::cancel(const call& c, job_id id, later& done) {
  std::vector<command> both;
  both.emplace_back(read_job{id});
  both.emplace_back(cancel_job{id});
  return submit(c, std::move(both), done, [](std::vector<result<reply>>& r) {
    if (!r[0]) return refuse(r[0].error());
    if (!r[1]) return refuse(r[1].error());
    response out;
    out.status = std::get<job>(*r[0]).state == job_state::leased ? 202 : 204;
    if (out.status == 202)
      out.body = fmt::format(R"({{"id":"{}","state":"cancelled"}})"
                             "\n",
                             id_text(std::get<job>(*r[0]).id));
    return out;
  });
}

}  // namespace fairing::jobs
