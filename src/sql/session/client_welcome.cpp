// The end of a client's log-in: its start-up's settings are tried, and it is told what PostgreSQL would tell it.
#include <algorithm>

#include "base/ascii.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/session/client.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

namespace {
bool has_role(const settings& s) {
  return std::ranges::any_of(s.values, [](const auto& each) { return each.first == "role"; });
}
}  // namespace

// What its start-up asks for: as PostgreSQL lists it, if another client has asked for the same.
settings_ptr client::first_settings() const {
  settings s;
  if (const auto known = pool_->shared.starts.find(asked_))
    s = *known;
  else
    s.values = asked_;
  if (application_name_) s.values.emplace_back("application_name", *application_name_);
  return pool_->shared.settings.intern(std::move(s));
}

// The end of the log-in: what PostgreSQL would tell a client of this pool.
net::task<bool> client::welcome() {
  const bool transaction = pool_->transaction_mode();
  const bool learns = transaction && !asked_.empty() && !pool_->shared.starts.find(asked_);
  if (!transaction || pool_->status().empty() || learns) {
    const bool has = co_await wait_for_server();
    if (!has) {
      out_.put(refusal_);
      co_return false;
    }
    if (learns) {
      const bool good = co_await learn_start();
      if (!good) co_return false;
    } else if (transaction) {
      release();
    }
    if (relayed_) {
      const bool in = co_await log_in();
      co_return in && !over_;
    }
  }
  std::string text = std::move(greeting_);
  append_welcome(text);
  out_.put(text);
  co_return !over_;
}

// With a server: what the start-up asks for is tried, and what it came to is kept for others who ask for the same.
net::task<bool> client::learn_start() {
  net::event learned(core_);
  welcoming_ = &learned;
  relay_->learn_start();
  flush();
  while (!relay_->start_learned() && !over_) co_await learned.wait();
  welcoming_ = nullptr;
  if (over_) co_return false;
  if (const auto& error = relay_->start_error(); !error.empty()) {
    std::string text;
    read_server_error(error).append_fatal(text);
    out_.put(text);
    co_return false;
  }
  // A role is granted and revoked.
  if (!relay_->start_listed() || has_role(*relay_->start())) co_return true;
  auto listed = *relay_->start();
  std::erase_if(listed.values, [](const auto& each) { return each.first == "application_name"; });
  pool_->shared.starts.add(asked_, pool_->shared.settings.intern(std::move(listed)));
  co_return true;
}

void client::append_welcome(std::string& to) {
  pgwire::append_authentication_ok(to);
  bool named = false;
  for (const auto& [name, value] : pool_->status()) {
    const bool own = name == "application_name";
    named = named || own;
    std::string_view told = value;
    if (own) told = application_name_ ? std::string_view(*application_name_) : std::string_view();
    if (!own && relay_)
      for (const auto& [setting, listed] : relay_->start()->values)
        if (iequals(setting, name)) told = listed;
    pgwire::append_parameter_status(to, name, told);
  }
  if (!named)
    pgwire::append_parameter_status(to, "application_name", application_name_.value_or(""));
  pgwire::append_backend_key_data(to, key_);
  pgwire::append_ready_for_query(to, pgwire::transaction_status::idle);
}

net::task<bool> client::wait_for_server() {
  net::event ready(core_);
  welcoming_ = &ready;
  if (relayed_) deadline = relayed_->deadline;
  const auto a = pool_->acquire(*this);
  if (a.kind == pool::acquire_kind::granted)
    granted(static_cast<server&>(*a.to));
  else if (a.kind == pool::acquire_kind::refused)
    refused(a.why, {});
  while (!server_ && refusal_.empty() && !over_) co_await ready.wait();
  if (server_ && raw_ && application_name_ && !relayed_) {
    // One session, one name: it cannot be a start-up parameter of a server that is used again.
    const auto sql = "SET application_name TO " + quote_literal(*application_name_);
    cleaned_ = false;
    server_->clean({sql}, true);
    while (server_ && !cleaned_ && !over_) co_await ready.wait();
  }
  welcoming_ = nullptr;
  co_return server_ != nullptr && !over_;
}

void client::cleaned() {
  cleaned_ = true;
  if (welcoming_) welcoming_->set();
}

}  // namespace fairing::sql
