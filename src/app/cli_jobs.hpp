// cli_jobs: `fairing jobs ...`: the jobs plane of a running instance from a terminal.
//
// Flow:  add_jobs_options(verb, o.jobs);   complete_jobs(o);   return jobs_answer(o, client);
// Threads: one; the call blocks until the instance has answered.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "app/cli_options.hpp"
#include "app/cli_render.hpp"
#include "app/client.hpp"

namespace CLI {
class App;
}

namespace fairing::app {

inline constexpr const char* jobs_doc =
    "Jobs of the running instance: ls, show, retry, redrive, cancel, pause, resume.";

void add_jobs_options(CLI::App& v, jobs_options& o);

// What is wrong with them; nullopt if nothing is.
[[nodiscard]] std::optional<std::string> complete_jobs(const options& o);

// The exchange that the words mean. `retry` asks twice: which queue the job is of, then to redrive it.
[[nodiscard]] reply ask_jobs(const options& o, const admin_client& c);

// `page`: jobs behind that place, so many at most. The pages of a search, as one body.
[[nodiscard]] reply follow_pages(const jobs_options& o,
                                 const std::function<reply(const std::string&, std::size_t)>& page);

[[nodiscard]] answer render_jobs(const options& o, const nlohmann::json& body);

}  // namespace fairing::app
