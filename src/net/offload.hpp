// offload: a named thread with a bounded queue, for what would block or burn a core.
//
// Problem: compressing at high levels, writing the access log, looking up names must not hold an event loop.
// Flow:  offload encoder{"encode", 1024, true}; if (!encoder.submit([]{ ... })) { /* full: skip or count */ }
// Results go back by core::post inside the job. Low priority threads get nice 10.
// Threads: submit from any thread; jobs run one at a time in order. The destructor drops what is queued.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace fairing::net {

class offload {
 public:
  using job = std::move_only_function<void()>;
  offload(std::string name, std::size_t limit, bool low_priority);
  ~offload();
  offload(const offload&) = delete;
  offload& operator=(const offload&) = delete;
  // False if the queue is full (or ending): nothing was taken.
  [[nodiscard]] bool submit(job j);
  [[nodiscard]] std::size_t queued() const;
  void drain();  // waits until everything submitted so far has run

 private:
  void run(const std::string& name, bool low_priority);
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  bool busy_ = false;
  std::deque<job> jobs_;
  std::size_t limit_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fairing::net
