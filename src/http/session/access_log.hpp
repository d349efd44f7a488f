// access_log: one JSON line a request, collected per core and written in bulk by one thread.
//
// Problem: a log line must cost the serving core a few hundred nanoseconds and never block it; a full disk must cost
// lines (counted), not answers.
// Flow:  core: buffer.append(record); on a tick or when it is large: log.write(buffer.take());
// Threads: append on the core, write from any core.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "http/session/decisions.hpp"
#include "net/offload.hpp"

namespace fairing::http {

class access_log {
 public:
  // to: "off", "stderr", "stdout" or a path (appended to, mode 0640). `buffered`: the cores gather lines.
  static result<std::unique_ptr<access_log>> open(const std::string& to, bool buffered = true);
  ~access_log();
  [[nodiscard]] bool enabled() const noexcept { return fd_ >= 0; }
  [[nodiscard]] bool buffered() const noexcept { return buffered_; }
  // Hands lines over; drops and counts them if the writer is behind.
  void write(std::string lines);
  // Opens the path anew (log rotation).
  void reopen();
  [[nodiscard]] std::uint64_t dropped_bytes() const noexcept { return dropped_.load(); }

 private:
  access_log(int fd, std::string path, bool buffered);
  std::atomic<int> fd_;
  std::string path_;
  const bool buffered_;
  std::atomic<std::uint64_t> dropped_{0};
  std::unique_ptr<net::offload> writer_;
};

// Appends the record as one JSON line.
void append_access_line(std::string& out, const exchange_record& r);

}  // namespace fairing::http
