#include "jobs/session/api.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fairing::jobs {
namespace {

constexpr std::string_view prefix = "/v1/";

response method_not_allowed(const char* allowed) {
  auto no = refuse(problem::method_not_allowed, fmt::format("this path takes {}", allowed));
  no.fields.emplace_back("Allow", allowed);
  return no;
}

bool reads_only(http1::method m) noexcept {
  return m == http1::method::get || m == http1::method::head;
}

response no_such_path(std::string_view path) {
  return refuse(problem::not_found,
                fmt::format("there is no {}; /v1/jobs, /v1/queues, /v1/leases and /v1/failures are",
                            path.substr(0, 100)));
}

std::string_view next_part(std::string_view& rest) {
  const auto slash = rest.find('/');
  const auto part = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return part;
}

}  // namespace

bool is_queue_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 80 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::string etag_of(const job& j) { return fmt::format("\"{:016x}\"", version_of(j)); }

std::optional<response> jobs_api::handle(call& c, later done) {
  const auto path = c.head.path;
  if (!path.starts_with(prefix)) return no_such_path(path);
  auto rest = path.substr(prefix.size());
  place at;
  at.first = next_part(rest);
  at.second = next_part(rest);
  at.third = next_part(rest);
  if (!rest.empty()) return no_such_path(path);
  return route(c, at, done);
}

jobs_api::answer jobs_api::route(call& c, const place& at, later& done) {
  const auto m = c.head.method;
  const bool post = m == http1::method::post;
  const bool get = reads_only(m);
  if (at.first == "jobs" && at.second.empty())
    return get ? list_jobs(c, done) : method_not_allowed("GET");
  if (at.first == "jobs" && at.second == "failures" && at.third.empty())
    return get ? failures(c, done) : method_not_allowed("GET");
  if (at.first == "jobs") {
    const auto id = id_from(at.second);
    if (!id)
      return refuse(problem::not_found,
                    fmt::format("`{}` is no id of a job; they have 13 characters", at.second));
    if (at.third.empty() && get) return status(c, *id, done);
    if (at.third.empty() && m == http1::method::del) return cancel(c, *id, done);
    if (at.third == "result" && get) return job_result(c, *id, done);
    if (at.third == "cancel" && post) return cancel(c, *id, done);
    if (at.third.empty()) return method_not_allowed("GET, DELETE");
    return no_such_path(c.head.path);
  }
  if (at.first == "failures" && at.second.empty())
    return get ? failures(c, done) : method_not_allowed("GET");
  if (at.first == "queues" && at.second.empty())
    return get ? list_queues(c) : method_not_allowed("GET");
  if (at.first == "queues" && !is_queue_name(at.second))
    return refuse(problem::bad_request,
                  fmt::format("`{}` is no name of a queue; use [A-Za-z0-9._-], 80 at most",
                              at.second.substr(0, 100)));
  if (at.first == "queues" && at.third.empty())
    return refuse(problem::not_found,
                  fmt::format("queue {0} is looked at in GET /v1/queues; jobs are put with POST "
                              "/v1/queues/{0}/jobs and taken with POST /v1/queues/{0}/lease",
                              at.second));
  if (at.first == "queues" && post) {
    if (at.third == "jobs" || at.third == "lease")
      if (const auto* q = queues_.get()->find(at.second); q != nullptr && q->config.requests)
        return refuse(problem::conflict,
                      fmt::format("the jobs of queue {} are requests that the http plane put off: "
                                  "only it puts and runs them",
                                  at.second));
    if (at.third == "jobs" && !c.admin) return put_jobs(c, at.second, done);
    if (at.third == "lease" && !c.admin) return take_lease(c, at.second, done);
    return queue_verb(c, at.second, at.third, done);
  }
  if (at.first == "queues") return method_not_allowed("POST");
  if (at.first == "leases" && !c.admin && !at.third.empty())
    return post ? settle(c, at.second, at.third, done) : method_not_allowed("POST");
  return no_such_path(c.head.path);
}

jobs_api::answer jobs_api::submit(const call& c, std::vector<command> commands, later& done,
                                  format f) {
  const bool taken = writer_.submit(c.core, std::move(commands),
                                    [d = std::move(done), g = std::move(f)](
                                        std::vector<result<reply>> r) mutable { (void)d(g(r)); });
  if (taken) return std::nullopt;
  return refuse(problem::overloaded, "10,000 commands wait for the job store");
}

}  // namespace fairing::jobs
