// health_check: asks a backend's health path, on core 0, when its time has come.
//
// Flow: start_health_checks(state, site, now)   // on a tick; spawns one check for each endpoint that is due
// A 2xx or 3xx within health.timeout is healthy. Threads: the core's own.
#pragma once

#include <memory>

#include "http/session/plane.hpp"

namespace fairing::http {

void start_health_checks(core_state& state, const std::shared_ptr<const site_runtime>& site,
                         instant now);

}  // namespace fairing::http
