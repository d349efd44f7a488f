// check_jobs: what of the jobs section can be wrong although each value is good on its own.
#pragma once

#include "app/config/check.hpp"

namespace fairing::config {

// Nothing where the plane is off.
void check_jobs(const config& c, const locations& places, diagnostics& errors, diagnostics& notes);

}  // namespace fairing::config
