// server: the admin interface of a process: health, metrics, dashboard and the /v1 API.
//
// Problem: operators, probes and scrapers must be served while the planes are busy, and nothing
// they send may harm the planes: at most 256 connections, heads of 8 KiB, bodies of 1 MiB,
// deadlines on each step; what may block runs on a thread of its own.
//
// Flow:
//   auto token = make_token_file(runtime_dir);
//   auto s = admin_server::open(cores, "127.0.0.1:9900", views, *token);   // binds
//   (*s)->start();  ...  (*s)->stop();       // before the cores stop
// Lifecycle: stop() ends all connections and returns once no view is called any more; the
// destructor stops too.
// Threads: open, start, stop on the main thread, start and stop with the cores running; the rest
// from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/router.hpp"
#include "admin/views.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/core.hpp"
#include "net/listener.hpp"
#include "net/offload.hpp"

namespace fairing::admin {

enum class errc {
  missing_view = 1,  // a view that has to be wired is not
};
[[nodiscard]] std::error_code make_error_code(errc e) noexcept;

struct admin_limits {
  std::size_t connections = 256;
  std::size_t head_bytes = 8 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t waiting = 64;  // requests before the thread "admin"; over it 503
  milliseconds head_timeout{10'000};
  milliseconds body_timeout{30'000};
  milliseconds idle_timeout{60'000};
  milliseconds write_timeout{30'000};
};

class session;

class admin_server {
 public:
  static result<std::unique_ptr<admin_server>> open(net::core_group& cores,
                                                    const std::string& listen, admin_views views,
                                                    std::string token, admin_limits limits = {});
  ~admin_server();
  admin_server(const admin_server&) = delete;
  admin_server& operator=(const admin_server&) = delete;

  // As net::listener names it, with the port that a port of 0 became.
  [[nodiscard]] const std::string& address() const noexcept { return listener_->address(); }
  void start();
  void stop();

  [[nodiscard]] std::size_t connections() const noexcept { return open_.load(); }
  // When /metrics was last answered; nullopt if never.
  [[nodiscard]] std::optional<wall_time> last_scrape() const noexcept;

 private:
  friend class session;
  admin_server(net::core_group& cores, std::unique_ptr<net::listener> listener, admin_views views,
               std::string token, const admin_limits& limits);
  void accept(net::core& c, net::socket s);
  void ended() noexcept;  // a session's last word
  void scraped() noexcept;

  net::core_group& cores_;
  std::unique_ptr<net::listener> listener_;
  const router router_;
  const admin_limits limits_;
  std::vector<std::vector<session*>> sessions_;  // by core; each its own core's
  std::atomic<std::size_t> open_{0};
  std::atomic<std::int64_t> scraped_at_{0};  // seconds since 1970; 0 never
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable none_left_;
  net::offload worker_;
  bool started_ = false;
};

}  // namespace fairing::admin

template <>
struct std::is_error_code_enum<fairing::admin::errc> : std::true_type {};
