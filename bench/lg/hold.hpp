// hold: many idle keep-alive connections, to see what one costs the server.
//
// Flow: run_hold(options) opens the connections, has each answer one request, tells so by one JSON
// line
//   on stdout ({"event":"held","open":N}), waits until `seconds` passed or stdin ended, and reports
//   how many the server had closed by then.
// Threads: one.
#pragma once

#include <cstddef>
#include <string>

#include "bench/lg/load.hpp"

namespace fairing::bench {

struct hold_report {
  std::size_t opened = 0;  // connections that answered their first request
  std::size_t closed = 0;  // of these, closed by the server while they were held
  std::string failure;     // not empty: the connections could not be opened, and why
};

// Uses host, port, plan and seconds of the options, and `connections` as the number to hold.
[[nodiscard]] hold_report run_hold(const load_options& options);

}  // namespace fairing::bench
