// api: the jobs API: a call in, its answer out, now or later.
//
// Problem: the same jobs are asked for on the jobs listener and on the admin interface, by workers that wait for half a
// minute and by people who search; what a path means stands here once, without sockets.
//
// Flow:
//   jobs_api api(writer, reads, view);
//   auto at_once = api.handle(call, [..](response r) { ... });     // a value: the answer; else `done` is called later
// `done` runs on call.core, or where that is null on a thread of the plane.
// Long polls: a lease that waits is forgotten by forget(call.waiter) when its client has gone; what was given to nobody
// is given back (writer::give_back).
// Paths: docs/reference/jobs.openapi.yaml. Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/http1/head.hpp"
#include "jobs/logic/verifier.hpp"
#include "jobs/session/problem.hpp"
#include "jobs/session/queue_view.hpp"
#include "jobs/session/reads.hpp"
#include "jobs/session/writer.hpp"
#include "service/message.hpp"

namespace fairing::jobs {

namespace http1 = codec::http1;
using service::response;

// Views: valid until handle() returns.
struct call {
  const http1::request_head& head;
  std::string_view body;
  net::core* core = nullptr;
  bool admin = false;        // the admin interface: no enqueueing, no leases
  std::uint64_t waiter = 0;  // set by handle() where a lease may be parked
};

class jobs_api {
 public:
  // False: nobody took it; the client has gone.
  using later = std::move_only_function<bool(const response&)>;

  jobs_api(writer& w, reads& r, const queue_view& queues, const verifier& verified)
      : writer_(w), reads_(r), queues_(queues), verified_(verified) {}

  [[nodiscard]] std::optional<response> handle(call& c, later done);
  void forget(std::uint64_t waiter) { writer_.forget(waiter); }

 private:
  using answer = std::optional<response>;
  // /v1/FIRST/SECOND/THIRD
  struct place {
    std::string_view first;
    std::string_view second;
    std::string_view third;
  };
  using format = std::move_only_function<response(std::vector<result<reply>>&)>;

  answer route(call& c, const place& at, later& done);
  answer submit(const call& c, std::vector<command> commands, later& done, format f);
  template <class T, class F>
  answer submit_one(const call& c, T command, later& done, F f);

  // api_jobs.cpp
  answer put_jobs(const call& c, std::string_view queue, later& done);
  answer status(const call& c, job_id id, later& done);
  answer job_result(const call& c, job_id id, later& done);
  answer cancel(const call& c, job_id id, later& done);
  [[nodiscard]] response show(const job& j, std::string_view known_etag) const;
  // api_leases.cpp
  answer take_lease(call& c, std::string_view queue, later& done);
  answer settle(const call& c, std::string_view token, std::string_view verb, later& done);
  // api_queues.cpp
  [[nodiscard]] answer no_search() const;
  [[nodiscard]] answer unknown_queue(std::string_view name) const;
  answer list_jobs(const call& c, later& done);
  answer failures(const call& c, later& done);
  answer list_queues(const call& c) const;
  answer queue_verb(const call& c, std::string_view queue, std::string_view verb, later& done);

  writer& writer_;
  reads& reads_;
  const queue_view& queues_;
  const verifier& verified_;
};

// [A-Za-z0-9._-]{1,80}
[[nodiscard]] bool is_queue_name(std::string_view name) noexcept;
[[nodiscard]] std::string etag_of(const job& j);

template <class T, class F>
jobs_api::answer jobs_api::submit_one(const call& c, T command, later& done, F f) {
  std::vector<jobs::command> one;
  one.emplace_back(std::move(command));
  return submit(c, std::move(one), done, [g = std::move(f)](std::vector<result<reply>>& r) mutable {
    return r.front() ? g(*r.front()) : refuse(r.front().error());
  });
}

}  // namespace fairing::jobs
