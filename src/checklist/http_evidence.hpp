// http_evidence: adds up the requests of all cores to a table of at most 256 rows.
//
// Problem: every finished request is told here, hits of the cache too, so it must cost little and
// cores must not meet; peers choose paths, so what is kept must be bounded; and evidence must age,
// so that a mistake that was mended leaves the checklist.
//
// Flow:  evidence.record(exchange, core's now);   // on every request
//        grade_all(evidence.take(), facts);       // when someone asks
//        evidence.retain(holds);                  // after a reload: what it changed is history
// A row is (site, route, method) for a route that names what it covers, and (site, path template,
// method) for requests on the default route, on routes that end in `**`, and for unlimited
// state-changing requests on login-like paths. 400, 404 and 405 there are one row "(not found)", so
// that a scanner does not fill the table; rows beyond the bound become "(other)".
// Lifecycle: counts of the current hour and the last one that had traffic.
// Threads: all from any thread. Each thread is given one of a few shards, with a lock that hardly
// ever meets another thread. take(), retain() and reset() may be slow.
// Cost of record(): 35 to 105 ns, no allocation but for a new row; answers of the backend that are
// measured for point 5 a little more. At most 1.2 MiB a shard, plus 1.5 MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "checklist/evidence.hpp"
#include "checklist/repeat_table.hpp"

namespace fairing::checklist {

class http_evidence {
 public:
  static constexpr std::size_t max_rows = 256;  // of a snapshot, "(other)" included
  static constexpr milliseconds generation{3'600'000};

  explicit http_evidence(std::size_t shards = 8);
  ~http_evidence();
  http_evidence(const http_evidence&) = delete;
  http_evidence& operator=(const http_evidence&) = delete;

  void record(const http_exchange& e, mono_time now);
  [[nodiscard]] snapshot take() const;
  // Drops the rows that `holds` is false of (it is asked without counts). The row "(other)" of an empty site stands
  // for rows of all sites.
  void retain(const std::function<bool(const row&)>& holds);
  void reset();

 private:
  struct shard;
  std::vector<std::unique_ptr<shard>> shards_;
  repeat_table repeats_;
};

}  // namespace fairing::checklist
