// control: what a load client and the harness that runs it say to each other: a byte on stdin, a line of JSON on stdout.
//
// Flow:  fmt::print("{{\"event\":\"connected\"}}\n");  if (!wait_for_stdin(600)) ...;   "\"first_error\":" + json_text(error)
// Threads: the client's only one.
#pragma once

#include <string>
#include <string_view>

namespace fairing::bench {

// Waits for a byte of stdin, or its end; false: the end, or the time was over.
bool wait_for_stdin(double seconds);

// Quoted; control characters become spaces.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace fairing::bench
