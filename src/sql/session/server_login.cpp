#include "sql/session/server_login.hpp"

#include <algorithm>
#include <functional>
#include <span>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/message_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "codec/scram/client_fsm.hpp"
#include "codec/scram/md5.hpp"
#include "net/event.hpp"
#include "sql/session/limits.hpp"

namespace fairing::sql {

using pgwire::auth_kind;
using pgwire::header_bytes;
using pgwire::server_type;
using pgwire::sqlstate;

namespace {
constexpr std::size_t longest_message = 64 * 1024;  // before the first statement
constexpr std::size_t most_parameters = 256;
constexpr std::string_view invalid_authorization = "28000";

server_error own_error(sqlstate s, std::string message, std::string hint = {}) {
  return {std::string(code(s)), std::move(message), {}, std::move(hint)};
}

}  // namespace

net::task<connected> connect_server(core_part& part, runtime_ptr runtime, bool tls,
                                    mono_time deadline) {
  const auto names = part.names;
  auto dialled = co_await net::dial(part.core, runtime->target, *names, deadline);
  if (!dialled.connection)
    co_return connected{nullptr, own_error(sqlstate::unable_to_connect, std::move(dialled.detail),
                                           "is PostgreSQL running at sql.upstream?")};
  auto s = std::move(dialled.connection);
  if (!tls) co_return connected{std::move(s), {}};
  const stream_limit limit(part.core, *s, deadline);
  std::string request;
  pgwire::append_ssl_request(request);
  const auto sent = co_await s->write(request);
  char answer = 0;
  // Exactly one byte: what follows it belongs to TLS, or to somebody in between (CVE-2021-23222).
  const auto got = co_await s->read_some(std::span<char>(&answer, 1));
  if (sent || !got.ok())
    co_return connected{nullptr, own_error(sqlstate::unable_to_connect,
                                           limit.passed() ? "PostgreSQL does not answer"
                                                          : "PostgreSQL closed the connection")};
  if (answer == 'N' && runtime->config.upstream.ssl <= ssl_mode::prefer)
    co_return connected{std::move(s), {}};
  if (answer != 'S')
    co_return connected{nullptr,
                        own_error(sqlstate::connection_rejected, "PostgreSQL offers no TLS",
                                  "sql.upstream says sslmode=require or more")};
  s->set_tls(std::make_unique<net::tls_channel>(runtime->server_tls, runtime->target.host));
  const auto ec = co_await s->handshake();
  if (ec)
    co_return connected{nullptr, own_error(sqlstate::unable_to_connect,
                                           "TLS with PostgreSQL failed: " + s->tls_error(ec))};
  co_return connected{std::move(s), {}};
}

std::string startup_text(const server_request& request) {
  std::vector<pgwire::parameter_pair> all{{"user", request.user}, {"database", request.database}};
  for (const auto& [name, value] : request.parameters) all.emplace_back(name, value);
  std::string text;
  if (!pgwire::append_startup(text, all)) text.clear();
  return text;
}

namespace {
// The conversation from StartupMessage to ReadyForQuery.
class opener {
 public:
  opener(core_part& part, runtime_ptr runtime, const server_request& request, net::stream& s)
      : part_(part), runtime_(std::move(runtime)), request_(request), stream_(s) {}

  net::task<bool> run(opened_server& out);

 private:
  net::task<bool> read_message();
  net::task<bool> on_authentication(opened_server& out);
  net::task<bool> on_sasl(const pgwire::authentication_view& a);
  net::task<bool> finish_step(scram::client_step step);
  net::task<bool> derive();
  net::task<bool> send();
  bool fail(sqlstate s, std::string message, std::string hint = {});
  [[nodiscard]] bool safe_for_clear_text() const { return stream_.is_tls() || runtime_->local(); }

  core_part& part_;
  runtime_ptr runtime_;
  const server_request& request_;
  net::stream& stream_;
  std::string in_;
  std::size_t used_ = 0;  // bytes of in_ that were dealt with
  char type_ = 0;
  std::string_view body_;
  std::string out_;
  std::unique_ptr<scram::client_fsm> scram_;
  std::optional<scram::login_keys> known_;
  bool authenticated_ = false;
  server_error error_;
};

bool opener::fail(sqlstate s, std::string message, std::string hint) {
  error_ = own_error(s, std::move(message), std::move(hint));
  return false;
}

// True: type_ and body_ are a whole message.
net::task<bool> opener::read_message() {
  for (;;) {
    const auto rest = std::string_view(in_).substr(used_);
    if (rest.size() >= header_bytes) {
      const auto& rule = pgwire::rule_of(pgwire::direction::from_server, rest[0]);
      const auto length = pgwire::load_u32(rest.data() + 1);
      if (length < rule.min_length ||
          length > std::min<std::size_t>(rule.max_length, longest_message))
        co_return fail(sqlstate::protocol_violation,
                       "what answers at sql.upstream does not speak PostgreSQL's protocol");
      if (rest.size() > length) {
        type_ = rest[0];
        body_ = rest.substr(header_bytes, length + 1 - header_bytes);
        used_ += length + 1;
        co_return true;
      }
    }
    in_.erase(0, used_);
    used_ = 0;
    const auto r = co_await stream_.read_some(part_.scratch);
    if (!r.ok()) co_return fail(sqlstate::unable_to_connect, "PostgreSQL closed the connection");
    in_.append(part_.scratch.data(), r.bytes);
  }
}

net::task<bool> opener::send() {
  const auto ec = co_await stream_.write(out_);
  out_.clear();
  if (ec) co_return fail(sqlstate::unable_to_connect, "PostgreSQL closed the connection");
  co_return true;
}

net::task<bool> opener::run(opened_server& out) {
  out_ = startup_text(request_);
  if (out_.empty()) {
    out.error = own_error(sqlstate::limit_exceeded, "the start-up parameters are too long");
    co_return false;
  }
  bool ok = co_await send();
  bool ready = false;
  // What came in one piece with ReadyForQuery is looked at too: a server that is told to stop in this
  // moment says so right behind it, and would be taken for a good one.
  while (ok && !(ready && used_ == in_.size())) {
    ok = co_await read_message();
    if (!ok) break;
    switch (static_cast<server_type>(type_)) {
      case server_type::authentication:
        ok = co_await on_authentication(out);
        break;
      case server_type::parameter_status:
        if (const auto p = pgwire::read_parameter_status(body_);
            p && out.status.size() < most_parameters)
          out.status.emplace_back(p->name, p->value);
        break;
      case server_type::backend_key_data:
        if (const auto k = pgwire::read_backend_key_data(body_)) out.key = *k;
        break;
      case server_type::error_response:
        error_ = read_server_error(body_);
        ok = false;
        break;
      case server_type::ready_for_query:
        ready = authenticated_ && !ready;
        if (!ready)
          ok = fail(sqlstate::protocol_violation, "PostgreSQL was ready before the log-in ended");
        break;
      case server_type::notice_response:
      case server_type::negotiate_protocol_version:
        break;
      default:
        ok = fail(sqlstate::protocol_violation, "PostgreSQL sent an unexpected message at log-in");
    }
  }
  if (ok) co_return true;
  out.error = std::move(error_);
  co_return false;
}

net::task<bool> opener::on_authentication(opened_server& out) {
  const auto a = pgwire::read_authentication(body_);
  if (!a)
    co_return fail(sqlstate::protocol_violation, "PostgreSQL's authentication does not parse");
  const auto* secret = request_.secret.get();
  if (a->kind != auth_kind::ok) out.asked = true;
  switch (a->kind) {
    case auth_kind::ok:
      if (scram_ && !scram_->proved())
        co_return fail(sqlstate::invalid_authorization,
                       "the server ended SCRAM without proving that it knows the secret");
      authenticated_ = true;
      co_return true;
    case auth_kind::cleartext_password: {
      if (!secret || secret->password.empty()) break;
      if (!safe_for_clear_text())
        co_return fail(sqlstate::invalid_authorization,
                       "PostgreSQL asks for the password in clear text over a plain connection",
                       "use sslmode=require in sql.upstream, or scram-sha-256 in pg_hba.conf");
      pgwire::append_password(out_, secret->password);
      const bool ok = co_await send();
      co_return ok;
    }
    case auth_kind::md5_password: {
      if (!secret) break;
      auto hashed = secret->md5;
      if (hashed.empty() && !secret->password.empty())
        hashed = scram::md5_secret(request_.user, secret->password).value_or("");
      const auto answer =
          scram::md5_response(hashed, std::string_view(a->salt.data(), a->salt.size()));
      if (!answer) break;
      pgwire::append_password(out_, *answer);
      const bool ok = co_await send();
      co_return ok;
    }
    case auth_kind::sasl:
    case auth_kind::sasl_continue:
    case auth_kind::sasl_final: {
      const bool ok = co_await on_sasl(*a);
      co_return ok;
    }
    default:
      co_return fail(sqlstate::feature_not_supported,
                     "PostgreSQL asks for an authentication that Fairing does not have",
                     "Fairing knows scram-sha-256, md5, password and trust");
  }
  co_return fail(sqlstate::invalid_authorization,
                 "no secret is known with which a server could be opened for user " + request_.user,
                 "give its password in sql.upstream or sql.users");
}

net::task<bool> opener::on_sasl(const pgwire::authentication_view& a) {
  const auto* secret = request_.secret.get();
  if (a.kind == auth_kind::sasl) {
    known_ = part_.plane.secrets.keys_of(request_.user);
    const bool password = secret && !secret->password.empty();
    if (!password && !known_)
      co_return fail(
          sqlstate::invalid_authorization,
          "no secret is known with which a server could be opened for user " + request_.user,
          "give its password in sql.upstream or sql.users");
    scram::client_fsm::options o;
    o.can_derive = password;
    scram_ = std::make_unique<scram::client_fsm>(o, known_ ? &*known_ : nullptr);
    const bool ok = co_await finish_step(scram_->start(a.mechanisms.bytes()));
    co_return ok;
  }
  if (!scram_) co_return fail(sqlstate::protocol_violation, "SASL data before SASL began");
  const bool ok = co_await finish_step(
      a.kind == auth_kind::sasl_continue ? scram_->on_continue(a.data) : scram_->on_final(a.data));
  co_return ok;
}

net::task<bool> opener::finish_step(scram::client_step step) {
  using action = scram::client_step::action;
  const bool first = scram_->salt().empty();
  if (step.what == action::derive) {
    const bool derived = co_await derive();
    if (!derived) co_return false;
    step = scram_->resume(*known_);
  }
  switch (step.what) {
    case action::send: {
      if (first)
        pgwire::append_sasl_initial_response(out_, scram_->mechanism(), {step.bytes, false});
      else
        pgwire::append_sasl_response(out_, step.bytes);
      const bool ok = co_await send();
      co_return ok;
    }
    case action::success:
      co_return true;
    default:
      co_return fail(sqlstate::invalid_authorization,
                     "SCRAM with PostgreSQL failed for user " + request_.user + ": " +
                         scram::make_error_code(step.error).message());
  }
}

// PBKDF2 takes milliseconds: on the plane's own thread, while this core goes on.
template <class T>
net::task<result<T>> on_deriving_thread(core_part& part,
                                        std::move_only_function<result<T>()> work) {
  struct job {
    explicit job(net::core& c) : done(c) {}
    net::event done;
    result<T> outcome = fairing::fail(make_error_code(scram::errc::crypto_failure));
  };
  const auto mine = std::make_shared<job>(part.core);
  const bool taken = part.plane.deriving->submit(
      [mine, wake = mine->done.make_waker(), f = std::move(work)]() mutable {
        mine->outcome = f();
        wake();
      });
  if (!taken)
    co_return fairing::fail(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "too many log-ins at a time");
  co_await mine->done.wait();
  co_return std::move(mine->outcome);
}

net::task<bool> opener::derive() {
  auto derived = co_await on_deriving_thread<scram::login_keys>(
      part_, [password = request_.secret->password, salt = scram_->salt(),
              iterations = scram_->iterations()] {
        return scram::derive_keys(password, salt, iterations);
      });
  if (!derived) co_return fail(sqlstate::invalid_authorization, derived.error().message());
  known_ = std::move(*derived);
  part_.plane.secrets.add_keys(request_.user, *known_);
  co_return true;
}

}  // namespace

std::vector<bool> tls_attempts(const sql_runtime& r) {
  if (!r.server_tls) return {false};
  switch (r.config.upstream.ssl) {
    case ssl_mode::disable:
      return {false};
    case ssl_mode::allow:
      return {false, true};
    case ssl_mode::prefer:
      return {true, false};
    default:
      return {true};
  }
}

server_error read_server_error(std::string_view body) {
  const auto e = pgwire::read_error(body);
  if (!e)
    return own_error(sqlstate::protocol_violation, "PostgreSQL sent an error that does not parse");
  return {std::string(e->sqlstate), std::string(e->message), std::string(e->detail),
          std::string(e->hint)};
}

net::task<opened_server> open_server(core_part& part, runtime_ptr runtime, server_request request,
                                     mono_time deadline) {
  opened_server out;
  const auto tries = tls_attempts(*runtime);
  for (std::size_t i = 0; i < tries.size(); ++i) {
    out = {};
    auto c = co_await connect_server(part, runtime, tries[i], deadline);
    if (!c.stream) {
      out.error = std::move(c.error);
      if (i + 1 < tries.size() && tries[i]) continue;  // as libpq: without TLS, then
      break;
    }
    bool ok = false;
    {
      const stream_limit limit(part.core, *c.stream, deadline);
      opener o(part, runtime, request, *c.stream);
      ok = co_await o.run(out);
      if (!ok && limit.passed())
        out.error = own_error(sqlstate::unable_to_connect,
                              "PostgreSQL did not finish the log-in within sql.limits.connect");
    }
    if (ok) {
      out.stream = std::move(c.stream);
      co_return out;
    }
    if (out.error.sqlstate != invalid_authorization) break;
  }
  co_return out;
}

net::task<result<credential_ptr>> derive_credential(core_part& part, std::string text) {
  auto made = co_await on_deriving_thread<credential_ptr>(
      part, [t = std::move(text)] { return make_credential(t); });
  co_return made;
}

net::task<void> send_cancel(core_part& part, runtime_ptr runtime, pgwire::backend_key key) {
  const auto deadline = now().mono + runtime->config.limits.connect;
  const bool tls = runtime->server_tls && runtime->config.upstream.ssl >= ssl_mode::require;
  auto c = co_await connect_server(part, runtime, tls, deadline);
  if (!c.stream) co_return;
  const stream_limit limit(part.core, *c.stream, deadline);
  std::string text;
  pgwire::append_cancel_request(text, key);
  const auto ec = co_await c.stream->write(text);
  // PostgreSQL closes when it has passed the request on: until then the server must not be used again.
  while (!ec) {
    const auto r = co_await c.stream->read_some(part.scratch);
    if (!r.ok() || r.bytes == 0) break;
  }
}

}  // namespace fairing::sql
