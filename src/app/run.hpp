// run: an instance from its configuration to its end.
//
// Flow:  return run_instance(first.value, source);
// Prints the ready line on stdout, logs on stderr. On SIGHUP or POST /v1/reload it calls
// source.load() again, which applies the flags and environment of the start over the changed file;
// config::diff_not_reloadable tells what would need a restart. Returns the exit code of the
// process. Call once, from the main thread.
#pragma once

#include "app/config/source.hpp"

namespace fairing::app {

[[nodiscard]] int run_instance(const config::config& c, const config::config_source& source);

}  // namespace fairing::app
