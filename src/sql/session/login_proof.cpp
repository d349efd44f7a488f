// The log-in's second half: who the client is.
#include <algorithm>

#include "base/log.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "codec/scram/md5.hpp"
#include "net/alarm.hpp"
#include "sql/session/login.hpp"

namespace fairing::sql {

using pgwire::header_bytes;
using pgwire::sqlstate;

namespace {
constexpr std::size_t longest_proof = 16 * 1024;

std::array<std::string_view, 2> split_mechanisms(std::string_view list, std::size_t& count) {
  std::array<std::string_view, 2> names;
  count = 0;
  while (!list.empty() && list[0] != '\0' && count < names.size()) {
    names[count] = list.substr(0, list.find('\0'));
    list.remove_prefix(names[count++].size() + 1);
  }
  return names;
}
}  // namespace

net::task<bool> login::prove() {
  credential_ptr secret;
  if (const auto at = runtime_->users.find(key_.user); at != runtime_->users.end()) {
    secret = at->second;
  } else if (runtime_->without_secrets()) {
    relayed_ = key_.mode == pool_mode::session && !console_;
    if (relayed_) co_return true;
    const bool in = co_await by_trust();
    co_return in;
  } else if (!runtime_->config.auth_query.empty()) {
    auto told = co_await ask_database();
    if (!told) {
      // Who asks has proved nothing yet: what PostgreSQL said is the log's.
      const auto& why = told.error().message();
      if (part_.plane.is_news(why))
        log::warn("sql_auth_query_failed", {{"user", key_.user}, {"message", why}});
      const bool never =
          co_await refuse(sqlstate::cannot_connect_now, "the log-in cannot be checked at this time",
                          "the event sql_auth_query_failed in Fairing's log has the reason");
      co_return never;
    }
    secret = std::move(*told);
  }
  if (secret && !secret->md5.empty()) {
    const bool in = co_await by_md5(secret);
    co_return in;
  }
  if (secret && secret->scram) {
    const bool in = co_await by_scram(secret, *secret->scram);
    co_return in;
  }
  // Nobody of that name: the same steps, which nothing passes.
  auto mock = scram::mock_secret(part_.plane.mock_seed, key_.user);
  if (!mock) co_return false;
  const bool in = co_await by_scram(nullptr, std::move(*mock));
  co_return in;
}

// The body of the next message, which has to be a password message.
net::task<std::optional<std::string_view>> login::read_proof() {
  for (;;) {
    if (in_.size() >= header_bytes) {
      const auto length = pgwire::load_u32(in_.data() + 1);
      if (in_[0] != static_cast<char>(pgwire::client_type::password) || length < 4 ||
          length > longest_proof) {
        co_await refuse(sqlstate::protocol_violation, "a password message was expected");
        co_return std::nullopt;
      }
      if (in_.size() > length)
        co_return std::string_view(in_).substr(header_bytes, length + 1 - header_bytes);
    }
    const bool more = co_await read_more();
    if (!more) co_return std::nullopt;
  }
}

net::task<bool> login::by_scram(credential_ptr secret, scram::scram_secret check) {
  using action = scram::server_step::action;
  const auto binding = stream_.is_tls() ? runtime_->channel_binding : std::string();
  std::size_t count = 0;
  const auto names = split_mechanisms(scram::mechanisms(binding), count);
  pgwire::append_authentication_sasl(out_, std::span(names).first(count));
  scram::server_fsm fsm(std::move(check), {.channel_binding = binding, .nonce = {}});
  for (bool first = true;; first = false) {
    const bool sent = co_await send(std::exchange(out_, {}));
    if (!sent) co_return false;
    const auto body = co_await read_proof();
    if (!body) co_return false;
    scram::server_step step;
    if (!first) {
      const bool may = co_await may_try();
      if (!may) co_return false;
    }
    if (first) {
      const auto initial = pgwire::read_sasl_initial_response(*body);
      if (!initial) {
        const bool never = co_await refuse(sqlstate::protocol_violation,
                                           "a SASLInitialResponse that does not parse");
        co_return never;
      }
      step = fsm.start(initial->mechanism,
                       initial->data.null ? std::nullopt : std::optional(initial->data.bytes));
    } else {
      step = fsm.feed(*body);
    }
    in_.erase(0, header_bytes + body->size());
    if (step.what == action::proceed) {
      pgwire::append_authentication_sasl_continue(out_, step.bytes);
      continue;
    }
    if (step.what == action::failure) {
      const bool never = co_await reject(make_error_code(step.error).message());
      co_return never;
    }
    pgwire::append_authentication_sasl_final(out_, step.bytes);
    // A user known by a secret alone: what it proved itself with opens servers in its name.
    if (secret && secret->password.empty())
      if (const auto* keys = fsm.keys()) part_.plane.secrets.add_keys(key_.user, *keys);
    co_return true;
  }
}

net::task<bool> login::by_md5(credential_ptr secret) {
  const auto random = crypto::random_bytes(scram::md5_salt_bytes);
  if (!random) co_return false;
  std::array<char, 4> salt{};
  std::copy_n(random->begin(), salt.size(), salt.begin());
  pgwire::append_authentication_md5_password(out_, salt);
  const bool sent = co_await send(std::exchange(out_, {}));
  if (!sent) co_return false;
  const auto body = co_await read_proof();
  if (!body) co_return false;
  const bool may = co_await may_try();
  if (!may) co_return false;
  const auto answer = pgwire::read_password(*body);
  const bool good = answer && scram::md5_verify(secret->md5, *random, *answer);
  in_.erase(0, header_bytes + body->size());
  if (good) co_return true;
  const bool never = co_await reject("the md5 answer is wrong");
  co_return never;
}

// No secret is known at all: PostgreSQL's pg_hba.conf decides, by whether it asks us for anything.
net::task<bool> login::by_trust() {
  if (!local_) {
    const bool never = co_await refuse(
        sqlstate::invalid_authorization,
        "Fairing knows no secret to check clients with, so only clients of its own machine come in",
        "give sql.upstream its password, or sql.users, or sql.auth_query");
    co_return never;
  }
  auto database = key_.database;
  if (console_) {
    const auto& own = runtime_->config.upstream.database;
    database = own.empty() ? key_.user : own;
  }
  auto& secrets = part_.plane.secrets;
  if (secrets.trusted(key_.user, database, now().mono)) co_return true;
  auto tried = co_await open_server(part_, runtime_, {key_.user, database, {}, nullptr},
                                    now().mono + runtime_->config.limits.connect);
  if (tried.stream && !tried.asked) {
    tried.stream->close();
    secrets.trust(key_.user, database, now().mono);
    co_return true;
  }
  part_.plane.count.logins_failed.add();
  std::string text;
  if (tried.asked || tried.stream)
    pgwire::append_error(
        text, {.code = sqlstate::invalid_authorization,
               .severity = "FATAL",
               .message = "PostgreSQL asks for a password of this user, and Fairing knows none",
               .hint = "give sql.upstream a user and password, or sql.users, or sql.auth_query"});
  else
    tried.error.append_fatal(text);
  (void)co_await send(text);
  stream_.shutdown_send();
  co_return false;
}

// To look at a proof is to answer a guess, however late the words come: who guesses breaks off and takes silence for a no.
net::task<bool> login::may_try() {
  if (!part_.plane.guard.suspects(address_hash_, now().mono)) co_return true;
  const bool in = co_await place_.take(part_.core, deadline());
  co_return in&& stream_.is_open();
}

net::task<bool> login::reject(std::string_view why) {
  part_.plane.count.logins_failed.add();
  log::info("sql_login_failed", {{"user", key_.user}, {"client", address_}, {"reason", why}});
  const auto wait = part_.plane.guard.failed(address_hash_, now().mono);
  const bool in = co_await place_.take(part_.core, deadline());
  if (!in) co_return false;
  net::event over(part_.core);
  const net::alarm bell(part_.core, over.make_waker(), now().mono + wait);
  co_await over.wait();
  place_.leave();
  std::string text;
  pgwire::append_error(
      text, {.code = sqlstate::invalid_password,
             .severity = "FATAL",
             .message = "password authentication failed for user \"" + key_.user + "\""});
  (void)co_await send(text);
  stream_.shutdown_send();
  co_return false;
}

}  // namespace fairing::sql
