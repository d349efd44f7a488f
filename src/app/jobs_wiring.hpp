// jobs_wiring: the jobs plane in this process: which store its configuration means, what admin asks of it, what the
// checklist is told.
//
// Flow:  auto plane = open_jobs(cores, registry, *c.jobs);  ... v.jobs = [&](r) { return ask_jobs(*plane, r); };
// Threads: open_jobs on the main thread; ask_jobs on the thread "admin", and it may block.
#pragma once

#include <memory>

#include "admin/views.hpp"
#include "checklist/jobs_evidence.hpp"
#include "jobs/session/plane.hpp"

namespace fairing::app {

// An error names the key.
[[nodiscard]] result<std::unique_ptr<jobs::jobs_plane>> open_jobs(
    net::core_group& cores, metrics::registry& r, const jobs::jobs_config& c,
    jobs::carrier_maker requests, std::shared_ptr<bus::write_sets> writes);
[[nodiscard]] std::optional<admin::response> ask_jobs(jobs::jobs_plane& plane,
                                                      const admin::request& r,
                                                      admin::answer_later done);
[[nodiscard]] checklist::jobs_evidence evidence_of(const jobs::jobs_plane& plane);

}  // namespace fairing::app
