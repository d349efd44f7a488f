// Queues and lists: search, failures, depth, redrive, pause.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.hpp"
#include "base/timestamp.hpp"
#include "jobs/session/api.hpp"
#include "jobs/session/forms.hpp"
#include "jobs/session/job_json.hpp"
#include "service/query.hpp"

namespace fairing::jobs {
namespace {

constexpr std::size_t most_items = 1000;
constexpr std::size_t most_errors = 500;
constexpr std::size_t most_queues = 10'000;

std::optional<std::size_t> number_in(std::string_view text) {
  std::size_t n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
  return n;
}

// Of the query's `limit`; nullopt: it is no number from 1 to `most`.
std::optional<std::size_t> limit_of(const service::query_params& query, std::size_t unsaid,
                                    std::size_t most) {
  const auto text = query.get("limit");
  if (!text) return unsaid;
  const auto n = number_in(*text);
  return n && *n >= 1 && *n <= most ? n : std::nullopt;
}

// What the words of `sort` put first, as a number: the larger the sooner.
using queue_key = std::uint64_t (*)(const engine::queue_state&, std::int64_t wall_ms);
struct queue_order {
  std::string_view word;
  queue_key key;
};
constexpr std::uint64_t depth(const engine::queue_state& q, job_state s) {
  return q.counts.of[static_cast<std::size_t>(s)];
}
constexpr std::uint64_t waited_ms(const engine::queue_state& q, std::int64_t wall_ms) {
  const auto since = q.counts.oldest_ready_ms;
  return since == 0 || since > wall_ms ? 0 : static_cast<std::uint64_t>(wall_ms - since);
}
// How many kinds of trouble there are, then how many jobs are in it.
constexpr std::uint64_t trouble(const engine::queue_state& q, std::int64_t wall_ms) {
  constexpr std::uint64_t long_wait_ms = 60'000;
  constexpr std::uint64_t most_jobs = (std::uint64_t{1} << 56) - 1;
  const auto dead = depth(q, job_state::dead);
  const std::uint64_t kinds = (dead > 0 ? 1U : 0U) + (q.expired > 0 ? 1U : 0U) +
                              (q.row.paused ? 1U : 0U) +
                              (waited_ms(q, wall_ms) > long_wait_ms ? 1U : 0U);
  return kinds << 56 | std::min(most_jobs, dead + depth(q, job_state::queued));
}
constexpr queue_order queue_orders[] = {
    {"trouble", trouble},
    {"oldest", waited_ms},
    {"queued", [](const auto& q, std::int64_t) { return depth(q, job_state::queued); }},
    {"dead", [](const auto& q, std::int64_t) { return depth(q, job_state::dead); }},
    {"expired", [](const auto& q, std::int64_t) { return q.expired; }},
};

// The queues whose name has `part` in it, in that order; nullopt: there is no such word.
std::optional<std::vector<const engine::queue_state*>> sorted_queues(const queue_list& known,
                                                                     std::string_view part,
                                                                     std::string_view word) {
  std::vector<const engine::queue_state*> out;
  for (const auto& q : known.states)
    if (q.row.name.find(part) != std::string::npos) out.push_back(&q);
  if (word.empty()) return out;
  const auto by_name = [](const auto* a, const auto* b) { return a->row.name < b->row.name; };
  if (word == "name") {
    std::ranges::sort(out, by_name);
    return out;
  }
  const auto* order = std::ranges::find(queue_orders, word, &queue_order::word);
  if (order == std::end(queue_orders)) return std::nullopt;
  const auto now = unix_ms();
  std::ranges::sort(out, [&](const auto* a, const auto* b) {
    const auto of_a = order->key(*a, now);
    const auto of_b = order->key(*b, now);
    return of_a != of_b ? of_a > of_b : by_name(a, b);
  });
  return out;
}

// Of all that were found, this page's or not: `"total":{"queues":2,"depth":{...},"expired":0}`.
void append_totals(std::string& out, const std::vector<const engine::queue_state*>& all) {
  std::uint64_t sum[job_state_count] = {};
  std::uint64_t expired = 0;
  for (const auto* q : all) {
    for (std::size_t i = 0; i < job_state_count; ++i) sum[i] += q->counts.of[i];
    expired += q->expired;
  }
  out += fmt::format(R"("total":{{"queues":{},"depth":{{)", all.size());
  for (std::size_t i = 0; i < job_state_count; ++i)
    out +=
        fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", to_string(static_cast<job_state>(i)), sum[i]);
  out += fmt::format(R"(}},"expired":{}}})", expired);
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
  const auto limit = limit_of(query, 100, most_items);
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
  const auto odd = query.unknown({"queue", "limit"});
  if (!query.ok() || !odd.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is not known here; queue, limit are", odd));
  const auto limit = limit_of(query, most_errors, most_errors);
  if (!limit) return refuse(problem::bad_request, "`limit` is from 1 to 500");
  std::optional<std::uint32_t> queue;
  if (const auto name = query.get("queue")) {
    const auto known = queues_.get();
    const auto* q = known->find(*name);
    if (q == nullptr) return unknown_queue(*name);
    queue = q->row.number;
  }
  const bool taken = reads_.submit([this, queue, most = *limit, core = c.core,
                                    d = std::move(done)](result<reader*> from) mutable {
    const auto groups = from ? (*from)->errors(queue, most) : std::unexpected(from.error());
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

// Not what was there before the store failed, or before another instance had it. All of them where no limit is said:
// there are 10,000 at most.
jobs_api::answer jobs_api::list_queues(const call& c) const {
  if (const auto r = writer_.check_ready(); !r) return refuse(r.error());
  const service::query_params query(c.head.query);
  const auto odd = query.unknown({"q", "sort", "after", "limit"});
  if (!query.ok() || !odd.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is not known here; q, sort, after, limit are", odd));
  const auto limit = limit_of(query, most_queues, most_items);
  if (!limit) return refuse(problem::bad_request, "`limit` is from 1 to 1000");
  const auto from = number_in(query.get("after").value_or("0"));
  if (!from) return refuse(problem::bad_request, "`after`: give back what `next` said");
  const auto known = queues_.get();
  const auto found =
      sorted_queues(*known, query.get("q").value_or(""), query.get("sort").value_or(""));
  if (!found)
    return refuse(problem::bad_request,
                  "`sort` is one of name, trouble, oldest, queued, dead, expired");
  const auto first = std::min(*from, found->size());
  const auto end = first + std::min(*limit, found->size() - first);
  response r;
  r.body = R"({"items":[)";
  for (auto i = first; i < end; ++i) {
    if (i > first) r.body += ',';
    const auto& q = *(*found)[i];
    append_queue(r.body, q, verified_.summary_of(q.row.number), unix_ms());
  }
  r.body += end < found->size() ? fmt::format("],\"next\":\"{}\",", end) : "],\"next\":null,";
  append_totals(r.body, *found);
  r.body += "}\n";
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
