// cli: the commands.
//
// Flow:  int main(argc, argv) { return cli_main({argv + 1, argv + argc}); }
// execute() does one client command and gives its text: what main prints and what tests look at.
// `run` and a live `top` hold the process until they end; all others return at once.
#pragma once

#include <string>
#include <vector>

#include "app/cli_options.hpp"
#include "app/cli_render.hpp"

namespace fairing::app {

// Every verb but `run` and the live `top`. `colour`: stdout is a terminal.
[[nodiscard]] answer execute(const options& o, bool colour);

// Parses, executes, prints. Catches everything; returns the exit code.
[[nodiscard]] int cli_main(const std::vector<std::string>& args);

}  // namespace fairing::app
