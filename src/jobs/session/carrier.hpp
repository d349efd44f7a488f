// carrier: how a job gets to whoever does it, where workers do not come for it: a POST to a URL, a request of the http
// plane that was put off.
//
// Flow:  const auto d = co_await c.carry(job, deadline);  settle the lease by d.how
// Lifecycle: outlives what it carries; stop() makes all of that end soon. Threads: one core.
#pragma once

#include "jobs/logic/engine.hpp"
#include "jobs/logic/push_verdict.hpp"
#include "net/task.hpp"

namespace fairing::jobs {

struct delivery {
  push_judgement how;
  push_fault fault = push_fault::none;
  // Where how.what is done: what is kept. The token is the pusher's.
  std::string result;
  std::string result_type;
  std::uint16_t result_status = 0;
  bool unsure = false;  // a failure that may have taken effect all the same
};

struct attempt_time {
  mono_time deadline;            // the attempt is over then
  std::int64_t deadline_ms = 0;  // wall: the same
};

class carrier {
 public:
  carrier() = default;
  virtual ~carrier() = default;
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;
  // `j` lives until the delivery is there.
  virtual net::task<delivery> carry(const leased_job& j, attempt_time t) = 0;
  virtual void stop() = 0;
};

}  // namespace fairing::jobs
