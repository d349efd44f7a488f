// access_log: one JSON line a request, collected per core and written in bulk by one thread.
//
// Problem: a log line must cost the serving core a few hundred nanoseconds and never block it; a full disk must cost
// lines (counted), not answers.
// Flow:  core: buffer.append(record); on a tick or when it is large: log.write(buffer.take());
//        auto place = access_log::open_target(path);  log.change(std::move(*place), buffered);   // a reload, a rotation
// Lines handed over before a change go to the old place, those after it to the new one; none is written twice.
// Threads: append on the core, write from any core, change and reopen from any thread. The descriptor belongs to the
// writer thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "http/session/decisions.hpp"
#include "net/offload.hpp"

namespace fairing::http {

// An open place for lines; closes a file of its own.
class log_target {
 public:
  log_target() = default;  // off
  log_target(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  log_target(log_target&& o) noexcept
      : fd_(std::exchange(o.fd_, -1)), path_(std::exchange(o.path_, {})) {}
  log_target& operator=(log_target&& o) noexcept {
    std::swap(fd_, o.fd_);
    std::swap(path_, o.path_);
    return *this;
  }
  ~log_target();
  [[nodiscard]] bool is_off() const noexcept { return fd_ < 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }  // "" if it is no file

 private:
  int fd_ = -1;
  std::string path_;
};

class access_log {
 public:
  // to: "off", "stderr", "stdout" or a path (appended to, mode 0640).
  static result<log_target> open_target(const std::string& to);
  // `buffered`: the cores gather lines.
  static result<std::unique_ptr<access_log>> open(const std::string& to, bool buffered = true);
  ~access_log();
  [[nodiscard]] bool enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool buffered() const noexcept { return buffered_.load(std::memory_order_relaxed); }
  // Hands lines over; drops and counts them if the writer is behind.
  void write(std::string lines);
  // Lines go to `next` from now on. False if the writer is too far behind to take even that: nothing has changed.
  [[nodiscard]] bool change(log_target next, bool buffered);
  // Opens the path anew (log rotation).
  void reopen();
  [[nodiscard]] std::uint64_t dropped_bytes() const noexcept { return dropped_.load(); }

 private:
  access_log(log_target to, bool buffered);
  log_target to_;  // the writer thread's
  std::atomic<bool> enabled_;
  std::atomic<bool> buffered_;
  std::atomic<std::uint64_t> dropped_{0};
  std::unique_ptr<net::offload> writer_;
};

// Appends the record as one JSON line.
void append_access_line(std::string& out, const exchange_record& r);

}  // namespace fairing::http
