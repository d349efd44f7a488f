// cli_init: a first fairing.yaml for a backend that is told by PORT, DATABASE_URL and REDIS_URL.
#pragma once

#include <string>

#include "app/cli_render.hpp"
#include "app/config/substitute.hpp"

namespace fairing::app {

// The text. Planes that are not in this version are comments. Values of variables are not copied
// into it, but for PORT.
[[nodiscard]] std::string first_file(const config::environment& env);

// Writes it to `path` (`-`: stdout); refuses a file that is there unless `force`.
[[nodiscard]] answer write_first_file(const std::string& path, bool force,
                                      const config::environment& env);

}  // namespace fairing::app
