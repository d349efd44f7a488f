// dashboard: the page at `/`: read-only, no build step, nothing fetched from elsewhere.
//
// Problem: who starts Fairing wants to see at a glance whether it works, what it saves and what is
// wrong with the backend, without installing anything.
//
// Flow:  `/` answers dashboard_html, which takes /dashboard.css and /dashboard.js. The script polls
//        /metrics and /v1/{checklist,upstreams,bypass} every two seconds, /v1/{pools,queries,
//        n_plus_one} every third time, and asks /v1/explain when a URL is typed in. While nobody
//        looks (document.hidden) it asks for nothing.
// Safety: three resources instead of one, so that the Content-Security-Policy allows no inline
//        code at all: what came from outside is put in as text, and were it markup, it would not
//        run. There is no button that changes anything: a page has no token.
// Threads: constants.
#pragma once

#include <string_view>

namespace fairing::admin {

inline constexpr std::string_view dashboard_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

extern const std::string_view dashboard_html;
extern const std::string_view dashboard_css;
extern const std::string_view dashboard_js;

}  // namespace fairing::admin
