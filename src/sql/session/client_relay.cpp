// A client's log-in that PostgreSQL itself checks: relayed through the server that will be the client's own.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "net/alarm.hpp"
#include "sql/session/client.hpp"
#include "sql/session/limits.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

using pgwire::sqlstate;
using relay_step = login_relay::step;

namespace {
constexpr std::string_view other_encryption = "28000";  // may be had with TLS, or without

std::string fatal_text(const login_relay::words& w) {
  std::string text;
  const bool broken = w.message.empty();
  pgwire::append_error(
      text, {.code = broken ? sqlstate::connection_failure : w.code,
             .severity = "FATAL",
             .message = broken ? "PostgreSQL closed the connection during the log-in" : w.message,
             .hint = w.hint});
  return text;
}
}  // namespace

const std::string& client::user() const noexcept {
  return relayed_ ? relayed_->request.user : pool_->key.user;
}

const std::string& client::database() const noexcept {
  return relayed_ ? relayed_->request.database : pool_->key.database;
}

// With a place in hand: false, and the place given up, if it did not come in.
net::task<bool> client::log_in() {
  const auto runtime = pool_->runtime();
  const stream_limit limit(core_, stream_, relayed_->deadline);
  const bool near = relayed_->local || stream_.is_tls();
  out_.put(std::exchange(greeting_, {}));
  const auto tries = tls_attempts(*runtime);
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const bool last = i + 1 == tries.size();
    auto c = co_await connect_server(
        pool_->home, runtime, tries[i],
        std::min(relayed_->deadline, now().mono + runtime->config.limits.connect));
    if (!c.stream && tries[i] && !last && !over_) continue;  // as libpq: without TLS, then
    login_relay r({.key = key_,
                   .client_private = near,
                   .server_private = runtime->local() || (c.stream && c.stream->is_tls()),
                   .server_tls = c.stream && c.stream->is_tls(),
                   .may_be_trusted = relayed_->local});
    if (!c.stream || over_) {
      std::string words;
      c.error.append_fatal(words);
      end_login(r, std::move(words));
      break;
    }
    auto& s = *server_;
    s.stream = std::move(c.stream);
    const auto step = co_await log_in_by(r, *s.stream);
    if (step == relay_step::ready && !over_) {
      pool_->plane.count.logins.add();
      pool_->plane.guard.succeeded(relayed_->address_hash);
      out_.put(r.to_client);
      s.logged_in(r.server_key());
      co_return true;
    }
    s.stream->close();
    const bool other = step == relay_step::refused && r.untried() && r.code() == other_encryption;
    if (other && !last && !over_) continue;
    auto words = std::move(r.to_client);
    if (step != relay_step::refused) words = fatal_text(r.refusal());
    end_login(r, {});
    if (r.denied() && !over_) co_await slow_down();
    if (!over_) out_.put(words);
    break;
  }
  co_return false;
}

// The conversation, up to its end or until one of the two has gone.
net::task<relay_step> client::log_in_by(login_relay& r, net::stream& to) {
  const stream_limit limit(core_, to, relayed_->deadline);
  auto& scratch = pool_->home.scratch;
  r.to_server = startup_text(relayed_->request);
  auto step = r.to_server.empty() ? relay_step::failed : relay_step::server;
  std::string in;
  while (!over_ && (step == relay_step::server || step == relay_step::client)) {
    out_.put(std::exchange(r.to_client, {}));
    const auto sent = std::exchange(r.to_server, {});
    if (!sent.empty()) {
      const auto ec = co_await to.write(sent);
      if (ec) break;
    }
    const auto was = step;
    auto& from = was == relay_step::server ? in : early_;
    std::size_t taken = 0;
    step = was == relay_step::server ? r.from_server(in, taken) : r.from_client(early_, taken);
    from.erase(0, taken);
    if (taken > 0 || step != was) continue;
    auto& speaker = was == relay_step::server ? to : stream_;
    const auto got = co_await speaker.read_some(scratch);
    if (!got.ok() || got.bytes == 0) break;
    from.append(scratch.data(), got.bytes);
  }
  const bool ended = step != relay_step::server && step != relay_step::client;
  co_return ended ? step : relay_step::failed;
}

// The place is free for the next; its server is not to be touched after this.
void client::end_login(const login_relay& r, std::string words) {
  auto& count = pool_->plane.count;
  (r.denied() ? count.logins_failed : count.logins_refused).add();
  if (r.denied())
    log::info("sql_login_failed",
              {{"user", user()}, {"client", address_}, {"reason", "PostgreSQL: " + r.code()}});
  auto& s = *std::exchange(server_, nullptr);
  s.login_failed();
  if (!over_) out_.put(words);
}

net::task<void> client::slow_down() {
  auto& guard = pool_->plane.guard;
  const auto wait = guard.failed(relayed_->address_hash, now().mono);
  login_place place(guard);
  const bool in = co_await place.take(core_, relayed_->deadline);
  if (!in) co_return;
  net::event over(core_);
  const net::alarm bell(core_, over.make_waker(), now().mono + wait);
  co_await over.wait();
}

}  // namespace fairing::sql
