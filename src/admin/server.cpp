#include "admin/server.hpp"

#include <fmt/format.h>

#include "admin/problem.hpp"

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

service::limits limits_of(const admin_limits& l) {
  return {.connections = l.connections,
          .head_bytes = l.head_bytes,
          .body_bytes = l.body_bytes,
          .head_timeout = l.head_timeout,
          .body_timeout = l.body_timeout,
          .idle_timeout = l.idle_timeout,
          .write_timeout = l.write_timeout};
}

request taken(const service::request& r) {
  const auto who = service::caller_of(r.head);
  request out;
  out.method = r.head.method;
  out.path = r.head.path;
  out.query = r.head.query;
  out.host = who.host;
  out.authorization = who.authorization;
  out.origin = who.origin;
  out.fetch_site = who.fetch_site;
  out.by_cli = r.head.get(http1::field::user_agent).starts_with("fairing/");
  out.body = r.body;
  return out;
}

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
  auto server = service::server::open(cores, listen, limits_of(limits));
  if (!server) return std::unexpected(server.error());
  return std::unique_ptr<admin_server>(
      new admin_server(std::move(*server), std::move(views), std::move(token), limits));
}

admin_server::admin_server(std::unique_ptr<service::server> server, admin_views views,
                           std::string token, const admin_limits& limits)
    : server_(std::move(server)),
      router_(std::move(views), access_policy(server_->address(), std::move(token))),
      worker_("admin", limits.waiting, false) {}

admin_server::~admin_server() { stop(); }

void admin_server::stop() {
  server_->stop();
  worker_.drain();  // what it answers finds nobody
}

std::optional<response> admin_server::admit(const service::request& r) {
  return router_.admit(taken(r)).refusal;
}

std::optional<response> admin_server::serve(const service::request& r) {
  auto whole = taken(r);
  const auto p = router_.admit(whole);
  if (p.refusal) return p.refusal;
  if (p.later)
    return router_.begin(p, whole,
                         [this, id = r.id](response a) { answer_on_core(id, std::move(a)); });
  if (!p.on_worker) return router_.answer(p, whole);
  const bool submitted =
      worker_.submit([this, id = r.id, what = std::move(whole)] { on_worker(what, id); });
  if (submitted) return std::nullopt;
  return admin::refuse(problem::overloaded, "too many admin requests wait");
}

void admin_server::on_worker(const request& r, const service::ticket& id) {
  auto answer = router_.answer(router_.admit(r), r);
  // Whoever watches over time counts; our own page and command line do not (checklist, point 10).
  const bool watched = !r.by_cli && r.fetch_site.empty();
  if (watched && r.path == "/metrics" && answer.status == 200)
    scraped_at_.store(now().wall.time_since_epoch().count(), std::memory_order_relaxed);
  answer_on_core(id, std::move(answer));
}

void admin_server::answer_on_core(const service::ticket& id, response a) {
  server_->core_of(id).post([this, id, what = std::move(a)] { (void)server_->answer(id, what); });
}

response admin_server::refuse(service::fault f, std::string_view detail) const {
  switch (f) {
    case service::fault::bad_request:
      return admin::refuse(problem::bad_request, detail);
    case service::fault::request_timeout:
      return admin::refuse(problem::request_timeout, detail);
    case service::fault::body_too_large:
      return admin::refuse(problem::body_too_large, detail);
    case service::fault::uri_too_long:
      return admin::refuse(problem::uri_too_long, detail);
    case service::fault::head_too_large:
      return admin::refuse(problem::head_too_large, detail);
    case service::fault::overloaded:
      return admin::refuse(problem::overloaded, detail);
    case service::fault::version_not_supported:
      return admin::refuse(problem::version_not_supported, detail);
  }
  return admin::refuse(problem::internal, detail);
}

std::optional<wall_time> admin_server::last_scrape() const noexcept {
  const auto at = scraped_at_.load(std::memory_order_relaxed);
  if (at == 0) return std::nullopt;
  return wall_time{seconds{at}};
}

}  // namespace fairing::admin
