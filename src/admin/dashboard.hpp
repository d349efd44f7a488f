// dashboard: the page at `/`: read-only, no build step, nothing fetched from elsewhere.
//
// Problem: who starts Fairing wants to see at a glance whether it works, what it saves and what is
// wrong with the backend, without installing anything.
//
// Flow:  `/` answers dashboard_html, which takes /dashboard.css and /dashboard.js. The script polls /metrics and
//        /v1/{checklist,upstreams,bypass} every two seconds, the first page of the lists (/v1/{pools,queries,
//        n_plus_one,queues,failures}) every four, /v1/indexes every minute; /v1/explain and /v1/jobs when somebody
//        looks for something, /v1/jobs/ID while its page is open. While nobody looks (document.hidden): nothing.
// Safety: three resources instead of one, so that the Content-Security-Policy allows no inline code at all: what came
//        from outside is put in as text; a browser with trusted types refuses to read any as markup, and were it markup, it
//        would not run. The page has no token of its own: who
//        changes something types it in, and sessionStorage keeps it while the tab is open.
// Threads: constants.
#pragma once

#include <string>
#include <string_view>

namespace fairing::admin {

inline constexpr std::string_view dashboard_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; trusted-types 'none'; "
    "require-trusted-types-for 'script'";

extern const std::string_view dashboard_html;
extern const std::string_view dashboard_css;
[[nodiscard]] std::string dashboard_js();

// What it is made of, in this order: the parts share one scope.
extern const std::string_view script_base;    // elements, tables, metrics, asking
extern const std::string_view script_planes;  // tiles, checklist, http
extern const std::string_view script_sql;     // pools, statements, N+1 loops, index advice
extern const std::string_view script_jobs;    // queues, failures, changes
extern const std::string_view script_find;    // search, the page of a job, the address
extern const std::string_view script_poll;    // when what is asked for

}  // namespace fairing::admin
