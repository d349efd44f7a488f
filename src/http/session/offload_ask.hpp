// offload_ask: what both sides of a request that was put off share: to await the store, its address, its state as JSON.
//
// Flow:  auto r = co_await ask(core, [&](offload_store::done d) { return store.put(core, order, std::move(d)); });
// Threads: the core of the call.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/session/offload.hpp"
#include "net/event.hpp"
#include "net/task.hpp"

namespace fairing::http {

inline constexpr std::string_view offload_path = "/_fairing/jobs/";

// Counts bodies against the plane's bound while they are in memory: taken in, or on their way to the store.
class held_bytes {
 public:
  static constexpr std::size_t most = 256 * 1024 * 1024;  // over all requests
  explicit held_bytes(std::atomic<std::size_t>& all) : all_(all) {}
  ~held_bytes() { release(); }
  held_bytes(const held_bytes&) = delete;
  held_bytes& operator=(const held_bytes&) = delete;
  [[nodiscard]] bool add(std::size_t n) {
    mine_ += n;
    return all_.fetch_add(n, std::memory_order_relaxed) + n <= most;
  }
  void release() { all_.fetch_sub(std::exchange(mine_, 0), std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t>& all_;
  std::size_t mine_ = 0;
};

[[nodiscard]] inline std::string status_path(std::string_view token) {
  return std::string(offload_path).append(token);
}
[[nodiscard]] std::string state_json(const offload_reply& r);

// `start` is called at once, with what is to be called in the end; its word is whether that will happen.
template <class F>
net::task<offload_reply> ask(net::core& c, F start) {
  const auto came = std::make_shared<std::optional<offload_reply>>();
  net::event ready(c);
  const bool taken = start([came, w = ready.make_waker()](offload_reply r) {
    *came = std::move(r);
    w();
  });
  if (!taken) {
    offload_reply busy;
    busy.fault = offload_fault::unavailable;
    busy.detail = "too many requests wait for the job store";
    co_return busy;
  }
  while (!came->has_value()) co_await ready.wait();
  co_return std::move(*came).value_or(offload_reply{});
}

}  // namespace fairing::http
