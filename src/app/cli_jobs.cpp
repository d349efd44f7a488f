#include "app/cli_jobs.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "jobs/logic/job.hpp"

namespace fairing::app {

namespace {

using nlohmann::json;

constexpr const char* actions[] = {"ls", "show", "retry", "redrive", "cancel", "pause", "resume"};

// A member as text; "" if it is missing.
std::string text(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return {};
  return printable(at->is_string() ? at->get<std::string>()
                                   : at->dump(-1, ' ', false, json::error_handler_t::replace));
}

const json& items_of(const json& body) {
  static const json none = json::array();
  const auto at = body.is_object() ? body.find("items") : body.end();
  return at == body.end() ? none : *at;
}

bool lists_jobs(const jobs_options& o) {
  return !o.subject.empty() || !o.state.empty() || !o.text.empty() || !o.error.empty();
}

constexpr std::size_t page_size = 100;
constexpr std::size_t largest_page = 1'000;  // of the API
constexpr std::size_t most_pages = 10'000;   // each a quarter of a second at most: 40 minutes

std::string list_path(const jobs_options& o, const std::string& after, std::size_t most) {
  if (o.failures)
    return "/v1/failures" + (o.subject.empty() ? "" : "?queue=" + percent_encode(o.subject));
  if (!lists_jobs(o)) return "/v1/queues";
  std::string path = "/v1/jobs";
  char before = '?';
  for (const auto& [name, value] : {std::pair{"queue", &o.subject},
                                    {"state", &o.state},
                                    {"q", &o.text},
                                    {"error", &o.error},
                                    {"after", &after}}) {
    if (value->empty()) continue;
    path += before;
    path += fmt::format("{}={}", name, percent_encode(*value));
    before = '&';
  }
  return path + fmt::format("{}limit={}", before, most);
}

std::string redrive_body(const jobs_options& o) {
  json body = json::object();
  if (!o.error.empty()) body["error"] = o.error;
  if (!o.to.empty()) body["to"] = o.to;
  if (!o.rate.empty()) body["rate"] = o.rate;
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string queue_line(const json& q) {
  const auto depth = q.is_object() && q.contains("depth") ? q["depth"] : json::object();
  return fmt::format("{:<24} {:>9} {:>9} {:>7} {:>9} {:>7}  {}{}\n", text(q, "name"),
                     text(depth, "queued"), text(depth, "scheduled"), text(depth, "leased"),
                     text(depth, "done"), text(depth, "dead"),
                     text(q, "paused") == "true" ? "paused " : "",
                     text(q, "oldest_age_ms") == "0" ? "" : text(q, "oldest_age_ms") + " ms old");
}

answer render_list(const options& o, const json& body) {
  answer a;
  if (o.jobs.failures) {
    for (const auto& g : items_of(body))
      a.out += fmt::format("{:>7}  {}  {}  last {}\n", text(g, "count"), text(g, "queue"),
                           text(g, "error"), text(g, "last_seen"));
    if (a.out.empty()) a.out = "no failures are known\n";
  } else if (!lists_jobs(o.jobs)) {
    a.out = fmt::format("{:<24} {:>9} {:>9} {:>7} {:>9} {:>7}\n", "QUEUE", "queued", "scheduled",
                        "leased", "done", "dead");
    for (const auto& q : items_of(body)) a.out += queue_line(q);
  } else {
    for (const auto& j : items_of(body))
      a.out += fmt::format("{}  {:<9}  {}  attempt {}  {}{}\n", text(j, "id"), text(j, "state"),
                           text(j, "queue"), text(j, "attempt"), text(j, "created"),
                           text(j, "error").empty() ? "" : "  " + text(j, "error"));
    if (a.out.empty()) a.out = "no job is like that\n";
    if (const auto next = text(body, "next"); !next.empty())
      a.out += fmt::format("more with --after {}\n", next);
  }
  return a;
}

answer render_job(const json& body) {
  answer a;
  if (!body.is_object()) return a;
  for (const auto& [key, value] : body.items())
    if (key != "attempts")
      a.out += fmt::format("{:<13} {}\n", printable(key), text(body, key.c_str()));
  if (const auto at = body.find("attempts"); at != body.end() && at->is_array())
    for (const auto& one : *at)
      a.out += fmt::format("  attempt {}  {} to {}  {}\n", text(one, "attempt"), text(one, "began"),
                           text(one, "ended"), text(one, "error"));
  return a;
}

}  // namespace

void add_jobs_options(CLI::App& v, jobs_options& o) {
  v.add_option("action", o.action, "ls, show, retry, redrive, cancel, pause or resume")
      ->type_name("ACTION");
  v.add_option("subject", o.subject,
               "ls, redrive, pause, resume: a queue; show, retry, cancel: the id of a job")
      ->type_name("QUEUE|ID");
  v.add_option("--state", o.state, "ls: jobs of that state");
  v.add_option("--text", o.text, "ls: jobs with that text in id, key, trace, payload or error");
  v.add_flag("--failures", o.failures, "ls: errors instead of jobs, each with its count");
  v.add_option("--after", o.after, "ls: where the page before ended");
  v.add_option("--limit", o.limit,
               "ls: search until there are so many jobs; without it until some are found")
      ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}));
  v.add_option("--error", o.error, "ls, redrive: only jobs with that (normalised) last error");
  v.add_option("--to", o.to, "redrive: into that queue");
  v.add_option("--rate", o.rate, "redrive: at most so many, as in 10/s");
}

std::optional<std::string> complete_jobs(const options& o) {
  const auto& j = o.jobs;
  if (j.action.empty()) return "jobs what? say ls, show, retry, redrive, cancel, pause or resume";
  if (std::find(std::begin(actions), std::end(actions), j.action) == std::end(actions))
    return fmt::format("jobs has no `{}`; say ls, show, retry, redrive, cancel, pause or resume",
                       j.action);
  if (!j.state.empty() && !jobs::job_state_from(j.state))
    return fmt::format(
        "jobs has no --state `{}`; say queued, scheduled, leased, done, dead or cancelled",
        j.state);
  if (j.action != "ls" && j.subject.empty())
    return fmt::format("jobs {} what? give {}", j.action,
                       j.action == "redrive" || j.action == "pause" || j.action == "resume"
                           ? "a queue"
                           : "the id of a job");
  return std::nullopt;
}

// A page ends when its time is over, also with nothing on it: the search goes on where it ended.
reply follow_pages(const jobs_options& o,
                   const std::function<reply(const std::string&, std::size_t)>& page) {
  const auto limit = o.limit == 0 ? page_size : o.limit;
  auto after = o.after;
  json items = json::array();
  for (std::size_t i = 0; i < most_pages; ++i) {
    auto r = page(after, std::min(limit - items.size(), largest_page));
    if (!r.reached || r.status != 200) return r;
    const auto body = json::parse(r.body, nullptr, false);
    for (const auto& one : items_of(body)) items.push_back(one);
    after = text(body, "next");
    if (after.empty() || items.size() >= limit || (o.limit == 0 && !items.empty())) break;
  }
  json all{{"items", std::move(items)}};
  all["next"] = after.empty() ? json() : json(after);
  return {.reached = true,
          .status = 200,
          .body = all.dump(-1, ' ', false, json::error_handler_t::replace),
          .problem = {}};
}

reply ask_jobs(const options& o, const admin_client& c) {
  const auto& j = o.jobs;
  const auto subject = percent_encode(j.subject);
  if (j.action == "ls" && !j.failures && lists_jobs(j))
    return follow_pages(j, [&](const std::string& after, std::size_t most) {
      return c.get(list_path(j, after, most));
    });
  if (j.action == "ls") return c.get(list_path(j, {}, page_size));
  if (j.action == "show") return c.get("/v1/jobs/" + subject);
  if (j.action == "cancel") return c.post("/v1/jobs/" + subject + "/cancel", "{}");
  if (j.action == "pause" || j.action == "resume")
    return c.post("/v1/queues/" + subject + "/" + j.action, "{}");
  if (j.action == "redrive") return c.post("/v1/queues/" + subject + "/redrive", redrive_body(j));
  auto found = c.get("/v1/jobs/" + subject);
  if (!found.reached || found.status != 200) return found;
  const auto job = json::parse(found.body, nullptr, false);
  return c.post("/v1/queues/" + percent_encode(text(job, "queue")) + "/redrive",
                json{{"id", j.subject}}.dump());
}

answer render_jobs(const options& o, const json& body) {
  const auto& j = o.jobs;
  if (j.action == "ls") return render_list(o, body);
  if (j.action == "show") return render_job(body);
  if (j.action == "cancel")
    return {exit_ok, fmt::format("cancelled {}\n", printable(j.subject)), {}};
  if (j.action == "redrive" || j.action == "retry")
    return {exit_ok, fmt::format("redriven: {}\n", text(body, "count")), {}};
  return {exit_ok,
          fmt::format("{} {}\n", j.action == "pause" ? "paused" : "resumed", printable(j.subject)),
          {}};
}

}  // namespace fairing::app
