// views: what the admin interface shows of the planes, as JSON texts.
//
// Flow:  views.explain = [&](url, trace) { return explain_json(plane, url, trace); };
// Threads: any; each call takes short locks of what it reads.
#pragma once

#include <string>
#include <vector>

#include "admin/views.hpp"
#include "checklist/evidence.hpp"
#include "http/session/plane.hpp"

namespace fairing::app {

// {"items":[...]}, newest first; "" if nothing is remembered of that URL or trace.
[[nodiscard]] std::string explain_json(const http::http_plane& plane, const std::string& url,
                                       const std::string& trace);
// {"items":[...],"next":null}
[[nodiscard]] std::string entries_json(const http::http_plane& plane,
                                       const admin::entries_query& q);
[[nodiscard]] std::string upstreams_json(const http::http_plane& plane);
[[nodiscard]] std::string checklist_json(const http::http_plane& plane);

}  // namespace fairing::app
