// notices: the thread that hears of rows in the outbox (LISTEN), on a connection of its own.
//
// Problem: the writer sleeps on a condition, not on a socket; and what is heard is a hint: it may be late or lost.
//
// Flow:  notices n(url, call);    // call(), on this thread, after each notification and after each new connection
//        if (n.take()) look at the outbox
// A connection that is lost is opened again after a second. Threads: take() any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace fairing::jobs::postgres {

class notices {
 public:
  explicit notices(std::string url);
  ~notices();
  notices(const notices&) = delete;
  notices& operator=(const notices&) = delete;

  void on_notice(std::function<void()> call);
  [[nodiscard]] bool take() noexcept { return heard_.exchange(false); }

 private:
  void run();
  void listen();
  void tell();

  std::string url_;
  std::atomic<bool> heard_{true};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void()> call_;
  std::thread thread_;
};

}  // namespace fairing::jobs::postgres
