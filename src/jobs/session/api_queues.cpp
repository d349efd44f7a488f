// Queues and lists: search, failures, depth, redrive, pause.
#include <fmt/format.h>

#include <charconv>

#include "base/json.hpp"
#include "base/timestamp.hpp"
#include "jobs/session/api.hpp"
#include "jobs/session/forms.hpp"
#include "jobs/session/job_json.hpp"
#include "service/query.hpp"

namespace fairing::jobs {
namespace {

constexpr std::size_t most_errors = 500;

// Of the query's `limit`; nullopt: it is no number from 1 to 1000.
std::optional<std::size_t> limit_of(const service::query_params& query) {
  const auto text = query.get("limit");
  if (!text) return 100;
  std::size_t n = 0;
  const auto r = std::from_chars(text->data(), text->data() + text->size(), n);
  if (r.ec != std::errc{} || r.ptr != text->data() + text->size() || n < 1 || n > 1000)
    return std::nullopt;
  return n;
}

response counted_answer(reply& r) {
  response out;
  if (const auto* n = std::get_if<counted>(&r))
    out.body = fmt::format("{{\"count\":{}}}\n", n->count);
  else
    out.body = "{\"ok\":true}\n";
  return out;
}

// Runs on the reading thread, and answers on the call's core.
void deliver(net::core* core, jobs_api::later done, response r) {
  if (core == nullptr) {
    (void)done(r);
    return;
  }
  core->post([d = std::move(done), a = std::move(r)]() mutable { (void)d(a); });
}

response too_busy() { return refuse(problem::overloaded, "64 searches wait"); }

}  // namespace

// A search asks the store itself, which an instance that stands by can as well.
jobs_api::answer jobs_api::no_search() const {
  const auto r = writer_.check_ready();
  if (r || r.error().code == errc::standby) return std::nullopt;
  return refuse(r.error());
}

// An instance that stands by knows no queues, or those of before.
jobs_api::answer jobs_api::unknown_queue(std::string_view name) const {
  if (const auto r = writer_.check_ready(); !r) return refuse(r.error());
  return refuse(problem::not_found, fmt::format("there is no queue {}", name));
}

jobs_api::answer jobs_api::list_jobs(const call& c, later& done) {
  if (auto no = no_search()) return no;
  const service::query_params query(c.head.query);
  const auto odd = query.unknown({"queue", "state", "q", "error", "after", "limit"});
  if (!query.ok() || !odd.empty())
    return refuse(
        problem::bad_request,
        fmt::format("`{}` is not known here; queue, state, q, error, after, limit are", odd));
  job_query what;
  const auto known = queues_.get();
  if (const auto name = query.get("queue")) {
    const auto* q = known->find(*name);
    if (q == nullptr) return unknown_queue(*name);
    what.queue = q->row.number;
  }
  if (const auto word = query.get("state")) {
    what.state = job_state_from(*word);
    if (!what.state)
      return refuse(problem::bad_request,
                    "`state` is one of queued, scheduled, leased, done, dead, cancelled");
  }
  const auto limit = limit_of(query);
  if (!limit) return refuse(problem::bad_request, "`limit` is from 1 to 1000");
  what.most = *limit;
  what.text = query.get("q").value_or("");
  what.error = query.get("error").value_or("");
  what.after = query.get("after").value_or("");
  const bool taken = reads_.submit([this, what = std::move(what), core = c.core,
                                    d = std::move(done)](result<reader*> from) mutable {
    const auto page = from ? (*from)->find(what) : std::unexpected(from.error());
    if (!page) return deliver(core, std::move(d), refuse(page.error()));
    response r;
    const auto names = queues_.get();
    r.body = R"({"items":[)";
    for (std::size_t i = 0; i < page->items.size(); ++i) {
      if (i > 0) r.body += ',';
      append_job(r.body, page->items[i], names->name_of(page->items[i].queue),
                 {.now = writer_.time()});
    }
    r.body += R"(],"next":)";
    if (page->next.empty())
      r.body += "null";
    else
      append_json_string(r.body, page->next);
    r.body += "}\n";
    deliver(core, std::move(d), std::move(r));
  });
  if (taken) return std::nullopt;
  return too_busy();
}

jobs_api::answer jobs_api::failures(const call& c, later& done) {
  if (auto no = no_search()) return no;
  const service::query_params query(c.head.query);
  const auto odd = query.unknown({"queue"});
  if (!query.ok() || !odd.empty())
    return refuse(problem::bad_request, fmt::format("`{}` is not known here; queue is", odd));
  std::optional<std::uint32_t> queue;
  if (const auto name = query.get("queue")) {
    const auto known = queues_.get();
    const auto* q = known->find(*name);
    if (q == nullptr) return unknown_queue(*name);
    queue = q->row.number;
  }
  const bool taken = reads_.submit([this, queue, core = c.core,
                                    d = std::move(done)](result<reader*> from) mutable {
    const auto groups = from ? (*from)->errors(queue, most_errors) : std::unexpected(from.error());
    if (!groups) return deliver(core, std::move(d), refuse(groups.error()));
    response r;
    const auto names = queues_.get();
    r.body = R"({"items":[)";
    for (std::size_t i = 0; i < groups->size(); ++i) {
      if (i > 0) r.body += ',';
      append_error_group(r.body, (*groups)[i], names->name_of((*groups)[i].queue));
    }
    r.body += "],\"next\":null}\n";
    deliver(core, std::move(d), std::move(r));
  });
  if (taken) return std::nullopt;
  return too_busy();
}

// Not what was there before the store failed, or before another instance had it.
jobs_api::answer jobs_api::list_queues(const call&) const {
  if (const auto r = writer_.check_ready(); !r) return refuse(r.error());
  response r;
  const auto known = queues_.get();
  r.body = R"({"items":[)";
  for (std::size_t i = 0; i < known->states.size(); ++i) {
    if (i > 0) r.body += ',';
    append_queue(r.body, known->states[i], verified_.summary_of(known->states[i].row.number),
                 unix_ms());
  }
  r.body += "],\"next\":null}\n";
  return r;
}

jobs_api::answer jobs_api::queue_verb(const call& c, std::string_view queue, std::string_view verb,
                                      later& done) {
  const std::string name(queue);
  if (verb == "pause" || verb == "resume")
    return submit_one(c, set_paused{name, verb == "pause"}, done, counted_answer);
  if (verb == "purge") return submit_one(c, purge_queue{name}, done, counted_answer);
  if (verb == "redrive") {
    auto form = read_redrive(queue, c.body);
    return form ? submit_one(c, std::move(*form), done, counted_answer) : refuse(form.error());
  }
  return refuse(
      problem::not_found,
      fmt::format("a queue has jobs, lease, redrive, pause, resume and purge, no `{}`", verb));
}

}  // namespace fairing::jobs
