// offload_wiring: requests that the http plane puts off, as jobs of the jobs plane; and those jobs, run by the http plane.
//
// Problem: planes do not include each other. What the one means by "kept request" and the other by "job" is said here.
//
// Flow, at start and at each reload:
//   auto jobs_config = with_request_queues(config);           // the queues that routes name are there
//   open_jobs(cores, registry, jobs_config, requests_of(http_plane));
//   http_plane.offload = &wiring;                             // request_store wiring(jobs_plane)
// A job: payload is the request (message/http), its result the answer; owner is `PRINCIPAL:SECRET`, of which the token
// that the client gets has the secret; fields say where it came from.
// Once: a request without an Idempotency-Key, on a route without `retry`, is run again only where surely no backend has
// seen it; where a run was cut off by an end of this process nobody knows, and it fails.
// Threads: with_request_queues anywhere; the rest on the cores.
#pragma once

#include "app/config/config.hpp"
#include "http/session/offload.hpp"
#include "http/session/plane.hpp"
#include "jobs/session/plane.hpp"

namespace fairing::app {

[[nodiscard]] jobs::jobs_config with_request_queues(const config::config& c);
[[nodiscard]] jobs::carrier_maker requests_of(http::http_plane& plane);

class request_store final : public http::offload_store {
 public:
  explicit request_store(jobs::jobs_plane& plane) : plane_(plane) {}

  [[nodiscard]] result<void> ready() const override { return plane_.work().check_ready(); }
  [[nodiscard]] std::size_t most_bytes(const std::string& queue) const override;
  [[nodiscard]] bool put(net::core& c, http::offload_order o, done d) override;
  [[nodiscard]] bool look(net::core& c, std::string_view token, std::string principal,
                          milliseconds wait, done d) override;
  [[nodiscard]] bool cancel(net::core& c, std::string_view token, std::string principal,
                            done d) override;

 private:
  [[nodiscard]] bool read(net::core& c, jobs::job_id id, milliseconds wait,
                          jobs::writer::completion d);
  jobs::jobs_plane& plane_;
};

}  // namespace fairing::app
