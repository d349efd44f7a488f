// console: what psql sees when it connects to the database `fairing`: SHOW POOLS, CLIENTS, SERVERS, STATS; and what the
// upstream's user may do there: PAUSE, RESUME, RECONNECT, of all databases or of one.
//
// Flow:  co_await run_console(part, stream, greeting, bytes);     // after the log-in; ends with the client
// The simple query protocol. PAUSE answers when no server is in use any more, or after a minute with an error; what is
// paused stays so either way. Threads: the accepting core; rows are asked for on each pool's own core.
#pragma once

#include <string>

#include "net/stream.hpp"
#include "net/task.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

// `greeting`: what is due before AuthenticationOk; `bytes`: that the client sent already; `rules`: it may change things.
net::task<void> run_console(core_part& part, net::stream& s, std::string greeting,
                            std::string bytes, bool rules);

}  // namespace fairing::sql
