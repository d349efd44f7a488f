// server: the admin interface of a process: health, metrics, dashboard and the /v1 API.
//
// Problem: operators, probes and scrapers must be served while the planes are busy, and nothing
// they send may harm the planes: at most 256 connections, heads of 8 KiB, bodies of 1 MiB,
// deadlines on each step (service/server.hpp); what may block runs on a thread of its own, and what may wait for long
// (the jobs plane's long polls) on none.
//
// Flow:
//   auto token = make_token_file(runtime_dir);
//   auto s = admin_server::open(cores, "127.0.0.1:9900", views, *token);   // binds
//   (*s)->start();  ...  (*s)->stop();       // before the cores stop
// Lifecycle: stop() ends all connections and returns once no view is called any more; the
// destructor stops too. Answers that come later still are dropped, until the destructor.
// Threads: open, start, stop on the main thread, start and stop with the cores running; the rest
// from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "admin/router.hpp"
#include "admin/views.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/core.hpp"
#include "net/offload.hpp"
#include "service/server.hpp"

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

class admin_server final : service::handler {
 public:
  static result<std::unique_ptr<admin_server>> open(net::core_group& cores,
                                                    const std::string& listen, admin_views views,
                                                    std::string token, admin_limits limits = {});
  ~admin_server() override;

  // As net::listener names it, with the port that a port of 0 became.
  [[nodiscard]] const std::string& address() const noexcept { return server_->address(); }
  void start() { server_->start(*this); }
  void stop();

  [[nodiscard]] std::size_t connections() const noexcept { return server_->connections(); }
  // When /metrics was last answered; nullopt if never.
  [[nodiscard]] std::optional<wall_time> last_scrape() const noexcept;

 private:
  admin_server(std::unique_ptr<service::server> server, admin_views views, std::string token,
               const admin_limits& limits);
  std::optional<response> admit(const service::request& r) override;
  std::optional<response> serve(const service::request& r) override;
  [[nodiscard]] response refuse(service::fault f, std::string_view detail) const override;
  void on_worker(const request& r, const service::ticket& id);
  void answer_on_core(const service::ticket& id, response a);

  std::unique_ptr<service::server> server_;
  const router router_;
  std::atomic<std::int64_t> scraped_at_{0};  // seconds since 1970; 0 never
  net::offload worker_;
};

}  // namespace fairing::admin

template <>
struct std::is_error_code_enum<fairing::admin::errc> : std::true_type {};
