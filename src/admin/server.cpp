#include "admin/server.hpp"

#include <latch>

#include "admin/problem.hpp"
#include "admin/session.hpp"

namespace fairing::admin {
namespace {

class admin_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "admin"; }
  [[nodiscard]] std::string message(int value) const override {
    return value == static_cast<int>(errc::missing_view) ? "an admin view is not wired"
                                                         : "unknown admin error";
  }
};

}  // namespace

std::error_code make_error_code(errc e) noexcept {
  static const admin_category category;
  return {static_cast<int>(e), category};
}

result<std::unique_ptr<admin_server>> admin_server::open(net::core_group& cores,
                                                         const std::string& listen,
                                                         admin_views views, std::string token,
                                                         admin_limits limits) {
  if (const auto name = views.missing(); !name.empty())
    return fail(errc::missing_view, "the admin view `" + std::string(name) + "` is not wired");
  auto listener = net::listener::open(cores, listen);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<admin_server>(
      new admin_server(cores, std::move(*listener), std::move(views), std::move(token), limits));
}

admin_server::admin_server(net::core_group& cores, std::unique_ptr<net::listener> listener,
                           admin_views views, std::string token, const admin_limits& limits)
    : cores_(cores),
      listener_(std::move(listener)),
      router_(std::move(views), access_policy(listener_->address(), std::move(token))),
      limits_(limits),
      sessions_(cores.size()),
      worker_("admin", limits.waiting, false) {}

admin_server::~admin_server() { stop(); }

void admin_server::start() {
  started_ = true;
  std::string refusal;
  append_response(refusal, refuse(problem::overloaded, "this process is out of file descriptors"),
                  {.keep_alive = false, .now = now().wall});
  listener_->start([this](net::core& c, net::socket s) { accept(c, std::move(s)); },
                   std::move(refusal));
}

void admin_server::accept(net::core& c, net::socket s) {
  if (stopping_.load()) return;
  const bool room = open_.fetch_add(1) < limits_.connections;
  session::start(*this, c, std::move(s), room);
}

void admin_server::stop() {
  if (!started_ || stopping_.exchange(true)) return;
  listener_->stop();
  std::latch told(static_cast<std::ptrdiff_t>(cores_.size()));
  for (std::uint32_t i = 0; i < cores_.size(); ++i)
    cores_.at(i).post([this, i, &told] {
      for (auto* s : sessions_[i]) s->abort();
      told.count_down();
    });
  told.wait();
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return open_.load() == 0; });
}

void admin_server::ended() noexcept {
  const std::lock_guard lock(mutex_);  // stop() cannot see zero and go before this has returned
  if (open_.fetch_sub(1) == 1) none_left_.notify_all();
}

void admin_server::scraped() noexcept {
  scraped_at_.store(now().wall.time_since_epoch().count(), std::memory_order_relaxed);
}

std::optional<wall_time> admin_server::last_scrape() const noexcept {
  const auto at = scraped_at_.load(std::memory_order_relaxed);
  if (at == 0) return std::nullopt;
  return wall_time{seconds{at}};
}

}  // namespace fairing::admin
