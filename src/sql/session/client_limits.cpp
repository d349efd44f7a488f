// How long a client's statements and transactions may take, and what stops them.
#include <algorithm>

#include "sql/session/client.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

using pgwire::sqlstate;

namespace {
constexpr milliseconds least_patience{5000};  // with PostgreSQL, to stop what it was asked to stop
}  // namespace

// A limit is a statement's, however many are on their way.
void client::restart_limit() {
  if (!server_ || server_->busy_since == mono_time::max()) return;
  server_->busy_since = now().mono;
  server_->overdue_since = mono_time::max();
}

void client::set_limit(milliseconds limit) {
  if (relay_)
    relay_->limited_by(limit);
  else
    raw_->limited_by(limit);
}

// What the server does at this moment, for the limits and for the histogram of use.
void client::mark() {
  if (!server_) return;
  if (in_flight()) {
    if (server_->busy_since != mono_time::max()) return;
    server_->busy_since = now().mono;
    server_->busy_since_us = precise_us();
    server_->idle_since = mono_time::max();
    return;
  }
  // The statement ended before the cancel request could hit it.
  if ((relay_ ? relay_->limited() : raw_->limited()) && server_->cancels == 0)
    set_limit(milliseconds{0});
  if (server_->busy_since != mono_time::max())
    server_->used_us += precise_us() - server_->busy_since_us;
  server_->busy_since = server_->overdue_since = mono_time::max();
  const bool open = relay_ ? relay_->in_transaction() : raw_->in_transaction();
  if (!open)
    server_->idle_since = mono_time::max();
  else if (server_->idle_since == mono_time::max())
    server_->idle_since = now().mono;
}

// A cancel request may come to nothing: a process that is stopped, a disk that hangs. The limit holds all the same.
void client::check_statement(milliseconds limit, mono_time now) {
  auto& s = *server_;
  if (s.overdue_since != mono_time::max()) {
    // While its client reads nothing PostgreSQL may be unable to say that it has stopped.
    if (out_.backlogged()) s.overdue_since = now;
    if (now - s.overdue_since >= std::max(limit, least_patience)) {
      end(sqlstate::connection_failure,
          "the statement ran for longer than sql.limits.statement, and PostgreSQL did not stop it",
          "the outcome of what was under way is not known; connect again");
      return s.fault(pool::close_reason::timed_out);
    }
  }
  if (now - s.busy_since < limit) return;
  if (s.overdue_since == mono_time::max()) s.overdue_since = now;
  s.busy_since = now;  // once more only after as long again
  set_limit(limit);
  s.cancel();
}

void client::check_limits(mono_time now) {
  const auto& limits = pool_->runtime()->config.limits;
  if (!server_ || over_) return;
  if (limits.statement.count() > 0 && server_->busy_since != mono_time::max())
    check_statement(limits.statement, now);
  if (!server_ || over_) return;
  if (limits.transaction_idle.count() > 0 && server_->idle_since != mono_time::max() &&
      now - server_->idle_since >= limits.transaction_idle)
    end(sqlstate::idle_in_transaction_timeout,
        "the transaction was idle for longer than sql.limits.transaction_idle",
        "it was rolled back; end transactions before waiting for anything else");
}

void client::cancel() {
  if (over_) return;
  if (queued() && !welcoming_) {
    pool_->leave_queue(*this);
    return refuse(sqlstate::query_canceled, "canceling statement due to user request", {});
  }
  if (server_ && (relay_ ? relay_->cancellable() : raw_->in_flight())) {
    set_limit(milliseconds{0});
    server_->cancel();
  }
}

}  // namespace fairing::sql
