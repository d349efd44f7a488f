// check: what is wrong with a config whose every single value is right.
//
// Flow:  check(c, places, errors, notes);
// Errors stop the start or the reload; notes are said and the work goes on (a listener beyond
// loopback, a rule that can never match). Reads the certificate and key files: not for the data
// plane.
#pragma once

#include "app/config/config.hpp"
#include "app/config/decode.hpp"
#include "app/config/diagnostic.hpp"

namespace fairing::config {

void check(const config& c, const locations& places, diagnostics& errors, diagnostics& notes);

}  // namespace fairing::config
