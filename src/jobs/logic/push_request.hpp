// push_request: a job as the POST that carries it.
//
// Problem: a worker without a library of ours must get all that a lease would give it: id, attempt, deadline, the lease
// itself, its trace; and must be able to check who sent it.
//
// Flow:  head = push_head(job, {...}); write head, then job.work.payload
// Fields: webhook-id (the job's id: the same over all attempts), webhook-timestamp, webhook-signature; traceparent;
// fairing-queue, fairing-attempt, fairing-deadline, fairing-lease; the job's own fields but those with a meaning here.
// fairing-attribute-NAME: an attribute of an SQS message, a Binary one in base64; as far as 8 KiB hold them.
// fairing-verify: true on a second run that verify_idempotency asked for.
// A job that has no trace gets one of its own, the same in all its attempts, so that its log lines can be found.
// Pure; any thread. Cost: one pass over the payload for each key of the signature.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/logic/engine.hpp"
#include "jobs/logic/push_url.hpp"
#include "jobs/logic/webhook.hpp"

namespace fairing::jobs {

struct push_frame {
  const push_url& url;
  const webhook_keys& keys;
  std::string_view queue;
  std::int64_t wall_ms = 0;      // now
  std::int64_t deadline_ms = 0;  // wall: when the attempt is over
};

[[nodiscard]] std::string push_head(const leased_job& j, const push_frame& f);

// `00-TRACE-PARENT-01` of a job's attempt: its own trace, or one that is made of its id.
[[nodiscard]] std::string traceparent_of(const job& j);

}  // namespace fairing::jobs
