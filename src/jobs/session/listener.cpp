#include "jobs/session/listener.hpp"

#include <fmt/format.h>

namespace fairing::jobs {

jobs_listener::jobs_listener(std::unique_ptr<service::server> server, net::core_group& cores,
                             jobs_api& api, sqs_api& sqs, std::string token)
    : server_(std::move(server)),
      cores_(cores),
      api_(api),
      sqs_(sqs),
      access_(server_->address(), token),
      needs_token_(!token.empty()),
      parked_(cores.size()) {}

std::optional<response> jobs_listener::admit(const service::request& r) {
  const auto who = service::caller_of(r.head);
  const bool is_sqs = sqs_api::claims(r.head);
  if (!access_.host_allowed(who) && !(is_sqs && sqs_.checks_signatures()))
    return jobs::refuse(problem::forbidden,
                        fmt::format("Host `{}` is not a name of this listener", who.host));
  if (!access_.same_site(who))
    return jobs::refuse(problem::forbidden, "the request comes from another site's page");
  const bool trusted = !needs_token_ || access_.has_token(who);
  if (is_sqs) return sqs_.admit(r.head, trusted);
  if (!trusted)
    return jobs::refuse(problem::unauthorized, who.authorization.empty()
                                                   ? "jobs.token is set, and the request has none"
                                                   : "the bearer token is not jobs.token");
  return std::nullopt;
}

std::optional<response> jobs_listener::serve(const service::request& r) {
  call c{.head = r.head, .body = r.body, .core = &cores_.at(r.id.core)};
  const auto later = [this, id = r.id](const response& a) { return server_->answer(id, a); };
  auto answer = sqs_api::claims(r.head) ? sqs_.handle(c, later) : api_.handle(c, later);
  if (c.waiter != 0) {
    auto& slots = parked_[r.id.core];
    if (r.id.slot >= slots.size()) slots.resize(r.id.slot + 1);
    slots[r.id.slot] = {r.id.serial, c.waiter};
  }
  return answer;
}

void jobs_listener::gone(const service::ticket& id) noexcept {
  const auto& slots = parked_[id.core];
  if (id.slot < slots.size() && slots[id.slot].serial == id.serial)
    api_.forget(slots[id.slot].waiter);
}

response jobs_listener::refuse(service::fault f, std::string_view detail) const {
  return jobs::refuse(problem_of(f), detail);
}

}  // namespace fairing::jobs
