// limit_error: what a client is told when a statement was stopped by Fairing's own limit.
//
// Problem: Fairing stops a statement by a cancel request, and PostgreSQL calls that the user's. Who looks for a limit would
// never find it.
//
// Flow:  if (limit on && stopped_by_cancel(error)) append_limit_error(out, limit); else pass the error on
// Threads: any.
#pragma once

#include <string>

#include "base/units.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "codec/pgwire/sqlstate.hpp"

namespace fairing::sql {

// 57014, and not because of PostgreSQL's own statement_timeout (in whose words only a translation is not told apart).
[[nodiscard]] inline bool stopped_by_cancel(const codec::pgwire::error_view& e) noexcept {
  return e.sqlstate == codec::pgwire::code(codec::pgwire::sqlstate::query_canceled) &&
         e.message.find("statement timeout") == std::string_view::npos;
}

inline void append_limit_error(std::string& out, milliseconds limit) {
  codec::pgwire::append_error(
      out, {.code = codec::pgwire::sqlstate::query_canceled,
            .message = "canceling statement due to Fairing's limits.statement of " +
                       format_duration(limit),
            .hint = "raise sql.limits.statement, or make the statement faster"});
}

}  // namespace fairing::sql
