// job_json: jobs, leases and queues as the jobs API and the admin API write them.
//
// Problem: a payload goes out as it came in, whatever else is in it; both APIs show a job the same way.
// Flow:  append_job(body, j, queue_name, {.payload = true});
// A payload or result that is JSON by its content type stands as it is; other text as a string, other bytes as
// `..._base64`. Times are RFC 3339. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/logic/engine.hpp"
#include "jobs/logic/verifier.hpp"

namespace fairing::jobs {

struct job_parts {
  bool payload = false;
  bool history = false;
  plane_time now{};  // 0: when a scheduled job is to run is left out
};
void append_job(std::string& out, const job& j, std::string_view queue, const job_parts& parts);
void append_lease(std::string& out, const leased_job& l);
void append_queue(std::string& out, const engine::queue_state& q, const verified_summary& verified,
                  std::int64_t wall_ms);
void append_error_group(std::string& out, const error_group& g, std::string_view queue);

// `,"name":"value"`; the name is a literal.
void append_member(std::string& out, std::string_view name, std::string_view value);
void append_time(std::string& out, std::string_view name, std::int64_t wall_ms);

[[nodiscard]] bool is_json_type(std::string_view content_type) noexcept;

}  // namespace fairing::jobs
