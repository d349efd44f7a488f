// What workers do: lease, and settle what they have leased.
#include <fmt/format.h>

#include "jobs/session/api.hpp"
#include "jobs/session/forms.hpp"
#include "jobs/session/job_json.hpp"

namespace fairing::jobs {
namespace {

response settled_answer(const settled& s) {
  response r;
  r.body = R"({"id":")" + id_text(s.id) + '"';
  append_member(r.body, "state", to_string(s.state));
  if (s.next_attempt_ms) append_time(r.body, "next_attempt", *s.next_attempt_ms);
  r.body += "}\n";
  return r;
}

response extended_answer(const extended& e) {
  response r;
  r.body = "{\"ok\":true";
  append_time(r.body, "deadline", e.deadline_ms);
  r.body += "}\n";
  return r;
}

response leased_answer(const leased& l) {
  response r;
  r.body = R"({"jobs":[)";
  for (std::size_t i = 0; i < l.jobs.size(); ++i) {
    if (i > 0) r.body += ',';
    append_lease(r.body, l.jobs[i]);
  }
  r.body += "]}\n";
  return r;
}

}  // namespace

jobs_api::answer jobs_api::take_lease(call& c, std::string_view queue, later& done) {
  const auto form = read_lease(c.body);
  if (!form) return refuse(form.error());
  // Workers may start before the first job: the queue appears, and they wait.
  lease what{
      .queue = std::string(queue), .most = form->most, .length = form->length, .creates = true};
  if (form->wait.count() > 0) {
    what.wait_until_steady_ms = writer_.steady_now() + form->wait.count();
    what.waiter = c.waiter = writer_.next_waiter();
  }
  std::vector<command> one;
  one.emplace_back(std::move(what));
  const bool taken = writer_.submit(
      c.core, std::move(one), [this, d = std::move(done)](std::vector<result<reply>> r) mutable {
        if (!r.front()) {
          (void)d(refuse(r.front().error()));
          return;
        }
        auto& got = std::get<leased>(*r.front());
        if (d(leased_answer(got))) return;
        std::vector<lease_token> unseen;  // nobody was there any more to take them
        for (const auto& j : got.jobs) unseen.push_back(j.token);
        writer_.give_back(unseen);
      });
  if (taken) return std::nullopt;
  return refuse(problem::overloaded, "10,000 commands wait for the job store");
}

jobs_api::answer jobs_api::settle(const call& c, std::string_view token, std::string_view verb,
                                  later& done) {
  const auto t = token_from(token);
  if (!t)
    return refuse(problem::stale_lease,
                  fmt::format("`{}` is no lease; they have 26 characters", token.substr(0, 100)));
  const auto answer_settled = [](reply& r) { return settled_answer(std::get<settled>(r)); };
  const auto answer_extended = [](reply& r) { return extended_answer(std::get<extended>(r)); };
  if (verb == "ack") {
    auto form = read_ack(*t, c.head, c.body);
    return form ? submit_one(c, std::move(*form), done, answer_settled) : refuse(form.error());
  }
  if (verb == "fail") {
    auto form = read_fail(*t, c.body);
    return form ? submit_one(c, std::move(*form), done, answer_settled) : refuse(form.error());
  }
  if (verb == "extend") {
    auto form = read_extend(*t, c.body);
    return form ? submit_one(c, *form, done, answer_extended) : refuse(form.error());
  }
  if (verb == "progress") {
    auto form = read_progress(*t, c.body);
    return form ? submit_one(c, std::move(*form), done, answer_extended) : refuse(form.error());
  }
  return refuse(problem::not_found,
                fmt::format("a lease has ack, fail, extend and progress, no `{}`", verb));
}

}  // namespace fairing::jobs
