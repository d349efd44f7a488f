// load: a closed loop of requests over many connections, from one thread.
//
// Problem: general load clients cost as much CPU as a fast server and so saturate first. This one
//   makes one recv and one send a turn, discards large bodies inside the kernel, and counts.
// Flow: run_load(options) connects all, starts every connection at the same instant, keeps
// `pipeline`
//   requests in flight on each until the time or the number of requests is over, and reports.
//   With connections == requests it is a burst of cold clients: each sends exactly one request.
// Lifecycle: one call, no state after it. Threads: one.
// Cost: about 1 us of user time a request; 16 KiB of reads at a time.
#pragma once

#include <cstdint>
#include <string>

#include "bench/lg/histogram.hpp"
#include "bench/lg/request_source.hpp"

namespace fairing::bench {

struct load_options {
  std::string host;
  std::uint16_t port = 0;
  request_plan plan;
  std::size_t connections = 64;
  std::size_t pipeline = 1;
  double seconds = 2;          // how long requests are issued and counted
  std::uint64_t requests = 0;  // if not 0: issue exactly so many, `seconds` is the most it may take
  std::string expected;        // lower-case text every head must contain
  std::int64_t body_size =
      -1;                 // the length every 200's body must have; -1 for whatever the first had
  bool any_size = false;  // bodies may differ in length
};

struct load_report {
  std::uint64_t requests = 0;  // complete answers
  std::uint64_t errors =
      0;  // requests that got none: refused, cut, malformed, unanswered at the end
  std::uint64_t non_200 = 0;     // complete answers with another status
  std::uint64_t wrong_size = 0;  // 200s whose body had another length than it should
  std::uint64_t unexpected = 0;  // heads without the expected text
  std::uint64_t reconnects = 0;  // connections the server closed between answers
  std::uint64_t bytes = 0;       // received, heads included
  std::uint64_t body_bytes = 0;  // of complete answers
  double seconds = 0;            // from the first request to the last counted answer or the end
  histogram latency;
  std::string failure;  // not empty: nothing was measured, and why
};

[[nodiscard]] load_report run_load(const load_options& options);

}  // namespace fairing::bench
