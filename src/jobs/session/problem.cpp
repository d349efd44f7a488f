#include "jobs/session/problem.hpp"

#include <array>

#include "jobs/logic/store.hpp"

namespace fairing::jobs {
namespace {

using enum problem;

constexpr std::array<problem_info, problem_count> table{{
    {{400, "bad-request", "The request is malformed",
      "Send it as docs/reference/jobs.openapi.yaml says; the detail names the fault."},
     bad_request},
    {{401, "unauthorized", "This needs the token",
      "Send `Authorization: Bearer TOKEN` with the value of jobs.token."},
     unauthorized},
    {{403, "forbidden", "The jobs listener is not for this page or name",
      "Ask for localhost, 127.0.0.1 or the listen address, and not from another site's page."},
     forbidden},
    {{404, "not-found", "There is nothing here",
      "The detail says what is missing; finished jobs go after keep_done and keep_dead."},
     not_found},
    {{405, "method-not-allowed", "The method is not allowed here",
      "Use one of the methods in Allow."},
     method_not_allowed},
    {{408, "request-timeout", "The request came too slowly", "Send it again."}, request_timeout},
    {{409, "conflict", "The job's state does not allow it",
      "Read the job; the detail names its state."},
     conflict},
    {{409, "not-finished", "The job has not finished",
      "Ask again later, or wait with GET /v1/jobs/ID?wait=30."},
     not_finished},
    {{409, "stale-lease", "The lease is over",
      "Drop this work: another worker has the job or it has finished; extend leases in time."},
     stale_lease},
    {{413, "body-too-large", "The request or a payload is too large",
      "Store large payloads elsewhere and enqueue where they are, or raise the queue's `payload`."},
     body_too_large},
    {{414, "uri-too-long", "The request target is too long", "Shorten the query."}, uri_too_long},
    {{415, "unsupported-media-type", "The media type is not known here",
      "Send application/json, or a CloudEvent."},
     unsupported_media_type},
    {{422, "idempotency-key-reused", "The Idempotency-Key stands for another request",
      "Take a new key for a new request."},
     key_reused},
    {{422, "unsupported", "The job store cannot do that",
      "The detail names what it lacks; another jobs.store has it."},
     unsupported},
    {{431, "head-too-large", "The request head is too large", "Send at most 16 KiB of fields."},
     head_too_large},
    {{500, "internal", "Fairing failed", "Report it with the log around this time."}, internal},
    {{503, "overloaded", "The jobs plane is busy", "Try again in a second."}, overloaded},
    {{503, "job-store-down", "The job store failed and is being opened again",
      "Try again in a second; nothing that was answered before is lost."},
     store_down},
    {{503, "job-store-standby", "Another instance has the jobs",
      "Ask that one; this one takes over when it ends."},
     standby},
    {{503, "outcome-unknown", "Whether this was done is not known",
      "Look it up, or send it again with the same Idempotency-Key."},
     outcome_unknown},
    {{505, "version-not-supported", "The HTTP version is not supported", "Use HTTP/1.1."},
     version_not_supported},
    {{507, "job-store-full", "There is no room for more jobs",
      "Let workers catch up, purge a queue, free disk space or raise the limit; the detail says "
      "which."},
     full},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].id) != i) return false;
  return true;
}
static_assert(in_order());

problem problem_of(const error& e) {
  if (e.code.category() != jobs_category()) return internal;
  switch (static_cast<errc>(e.code.value())) {
    case errc::not_found:
      return not_found;
    case errc::conflict:
      return conflict;
    case errc::stale_lease:
      return stale_lease;
    case errc::full:
      return full;
    case errc::too_large:
      return body_too_large;
    case errc::unsupported:
      return unsupported;
    case errc::bad_request:
      return bad_request;
    case errc::fenced:
    case errc::store_failed:
      return store_down;
    case errc::overloaded:
      return overloaded;
    case errc::standby:
      return standby;
    case errc::unknown_outcome:
      return outcome_unknown;
  }
  return internal;
}

}  // namespace

const problem_info& info(problem p) noexcept { return table[static_cast<std::size_t>(p)]; }

std::span<const problem_info> all_problems() noexcept { return table; }

service::response refuse(problem p, std::string_view detail) {
  auto r = service::problem_response(info(p), detail);
  if (p == not_finished) r.fields.emplace_back("Retry-After", "1");
  return r;
}

service::response refuse(const error& e) { return refuse(problem_of(e), e.message()); }

problem problem_of(service::fault f) noexcept {
  switch (f) {
    case service::fault::bad_request:
      return bad_request;
    case service::fault::request_timeout:
      return request_timeout;
    case service::fault::body_too_large:
      return body_too_large;
    case service::fault::uri_too_long:
      return uri_too_long;
    case service::fault::head_too_large:
      return head_too_large;
    case service::fault::overloaded:
      return overloaded;
    case service::fault::version_not_supported:
      return version_not_supported;
  }
  return internal;
}

}  // namespace fairing::jobs
