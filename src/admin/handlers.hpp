// handlers: what each path of the admin interface answers. Internal to the module.
//
// Each takes the views and an admitted request. handlers.cpp: what is read; changes.cpp: what
// changes something. Run where the router's table says.
#pragma once

#include "admin/message.hpp"
#include "admin/views.hpp"

namespace fairing::admin::handlers {

// On a core: at once.
[[nodiscard]] response livez(const admin_views& v, const request& r);
[[nodiscard]] response readyz(const admin_views& v, const request& r);
[[nodiscard]] response startupz(const admin_views& v, const request& r);
[[nodiscard]] response dashboard(const admin_views& v, const request& r);
[[nodiscard]] response dashboard_style(const admin_views& v, const request& r);
[[nodiscard]] response dashboard_script(const admin_views& v, const request& r);

// On the thread "admin".
[[nodiscard]] response metrics(const admin_views& v, const request& r);
[[nodiscard]] response checklist(const admin_views& v, const request& r);
[[nodiscard]] response config(const admin_views& v, const request& r);
[[nodiscard]] response bypassed(const admin_views& v, const request& r);
[[nodiscard]] response explain(const admin_views& v, const request& r);
[[nodiscard]] response cache_entries(const admin_views& v, const request& r);
[[nodiscard]] response upstreams(const admin_views& v, const request& r);
[[nodiscard]] response pools(const admin_views& v, const request& r);
[[nodiscard]] response queries(const admin_views& v, const request& r);
[[nodiscard]] response n_plus_one(const admin_views& v, const request& r);
[[nodiscard]] response indexes(const admin_views& v, const request& r);

// Reads and changes of the jobs plane where there is none: else its own API answers.
[[nodiscard]] response no_jobs(const admin_views& v, const request& r);

[[nodiscard]] response purge(const admin_views& v, const request& r);
[[nodiscard]] response reload(const admin_views& v, const request& r);
[[nodiscard]] response set_bypass(const admin_views& v, const request& r);
[[nodiscard]] response drain(const admin_views& v, const request& r);

}  // namespace fairing::admin::handlers
