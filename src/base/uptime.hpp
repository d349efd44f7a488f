// uptime: what has passed while a process was not there, whatever was done to the wall clock meanwhile.
//
// Problem: over a restart of a process the wall clock may have been set, and the steady clock may have no common zero;
// the time since the machine was started has, as long as it is the same start.
//
// Flow:  const auto now = read_uptime();  if (!now.boot.empty() && kept.boot == now.boot) passed = now.ms - kept.ms;
// Threads: any. Cost: reads a file. Source: clock_gettime(2), CLOCK_BOOTTIME; random(4), boot_id.
#pragma once

#include <cstdint>
#include <string>

namespace fairing {

struct uptime {
  std::string boot;     // names this start of the machine; empty: not known
  std::int64_t ms = 0;  // since then, sleep included
};
[[nodiscard]] uptime read_uptime();

}  // namespace fairing
