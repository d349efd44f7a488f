// console: what psql sees when it connects to the database `fairing`: SHOW POOLS, CLIENTS, SERVERS, STATS.
//
// Flow:  co_await run_console(part, stream, greeting, bytes);     // after the log-in; ends with the client
// Read-only; the simple query protocol. Threads: the accepting core; rows are asked for on each pool's own core.
#pragma once

#include <string>

#include "net/stream.hpp"
#include "net/task.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

// `greeting`: what is due before AuthenticationOk; `bytes`: that the client sent already.
net::task<void> run_console(core_part& part, net::stream& s, std::string greeting,
                            std::string bytes);

}  // namespace fairing::sql
