#include "sql/session/upstream_watch.hpp"

#include <utility>

#include "base/log.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "sql/session/limits.hpp"
#include "sql/session/server_login.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

void upstream_watch::opened(bool own) {
  if (health_.load(std::memory_order_relaxed) != health::up) tell(health::up, own, {});
}

void upstream_watch::failed(bool own, const server_error& e) {
  const bool log_in = e.is_of_the_names();
  if (!log_in || own) tell(health::down, log_in, e);
}

// `log_in`: good news of the user's own log-in, or bad ones that are of that alone.
void upstream_watch::tell(health h, bool log_in, const server_error& e) {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    if (h == health::up && log_in_fails_ && !log_in) return;
    before = std::exchange(fault_, e).message;
    log_in_fails_ = h == health::down && log_in;
    health_ = h;
  }
  if (h == health::down && before != e.message)
    log::warn("sql_upstream_down", {{"sqlstate", e.sqlstate}, {"message", e.message}});
  if (h == health::up && !before.empty()) log::info("sql_upstream_up");
}

void upstream_watch::forget() {
  const std::lock_guard lock(mutex_);
  fault_ = {};
  log_in_fails_ = false;
  health_ = health::unknown;
  next_ = fairing::now().mono + first_after;
}

void upstream_watch::look(core_part& part) {
  if (health_.load(std::memory_order_relaxed) == health::up || asking_) return;
  const auto t = fairing::now().mono;
  if (t < next_.load() || part.plane.draining.load()) return;
  next_ = t + again_after;
  asking_ = true;
  net::spawn(ask(part));
}

net::task<void> upstream_watch::ask(core_part& part) {
  const auto runtime = part.runtime;
  const auto& up = runtime->config.upstream;
  const auto deadline = fairing::now().mono + runtime->config.limits.connect;
  const auto own = runtime->users.find(up.user);
  const bool log_in = own != runtime->users.end();
  opened_server r;
  if (log_in) {
    r = co_await open_server(part, runtime,
                             {up.user,
                              up.database.empty() ? up.user : up.database,
                              {{"application_name", "fairing upstream check"}},
                              own->second},
                             deadline);
  } else {
    for (const bool tls : tls_attempts(*runtime)) {
      auto c = co_await connect_server(part, runtime, tls, deadline);
      r.stream = std::move(c.stream);
      r.error = std::move(c.error);
      if (r.stream) break;
    }
  }
  if (r.stream && log_in) {
    const stream_limit limit(part.core, *r.stream, deadline);
    std::string text;
    pgwire::append_terminate(text);
    (void)co_await r.stream->write(text);
  }
  asking_ = false;
  if (runtime != part.runtime) co_return;  // of another upstream, perhaps
  // Without a database in the URL each client names its own: that of the user's name need not be there.
  const bool there =
      r.stream || (up.database.empty() && r.error.is_of_the_names() && !r.error.is_of_the_user());
  if (there)
    opened(log_in);
  else
    failed(true, r.error);
}

upstream_watch::view upstream_watch::now() const {
  const std::lock_guard lock(mutex_);
  return {health_.load() != health::unknown, fault_};
}

}  // namespace fairing::sql
