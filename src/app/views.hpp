// views: what the admin interface shows of the planes, as JSON texts.
//
// Flow:  views.explain = [&](url, trace) { return explain_json(plane, url, trace); };
// Threads: any; each call takes short locks of what it reads.
#pragma once

#include <string>
#include <vector>

#include "admin/server.hpp"
#include "admin/views.hpp"
#include "app/advise/live_advisor.hpp"
#include "checklist/evidence.hpp"
#include "http/session/plane.hpp"
#include "jobs/session/plane.hpp"
#include "sql/session/plane.hpp"

namespace fairing::app {

// {"items":[...]}, newest first; "" if nothing is remembered of that URL or trace.
[[nodiscard]] std::string explain_json(const http::http_plane& plane, const std::string& url,
                                       const std::string& trace);
// {"items":[...],"next":null}
[[nodiscard]] std::string entries_json(const http::http_plane& plane,
                                       const admin::entries_query& q);
[[nodiscard]] std::string upstreams_json(const http::http_plane& plane);
// `sql`, `jobs`: null without that plane. `admin` is who is asked.
[[nodiscard]] std::string checklist_json(const http::http_plane& plane, const sql::sql_plane* sql,
                                         const advise::live_advisor* advisor,
                                         const jobs::jobs_plane* jobs,
                                         const admin::admin_server& admin);

// How far the process is.
enum class stage : std::uint8_t {
  starting,   // it does not serve yet
  serving,    // it takes work
  lame_duck,  // not ready any more, and still takes work
  finishing,  // the listeners are closed; what is in flight may end
};
// Ready while it serves. Backends are shown and do not count: one that is down still has its answers in the cache.
// `left`: of the stage's time. `sql`, `jobs`: null without that plane. A job store that is down does count: nothing can be
// enqueued. Returns at once.
[[nodiscard]] admin::readiness readiness_of(const http::http_plane& plane,
                                            const std::vector<std::string>& addresses,
                                            const sql::sql_plane* sql, const jobs::jobs_plane* jobs,
                                            stage s, milliseconds left);

}  // namespace fairing::app
