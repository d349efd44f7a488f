// postgres_room: how many connections a PostgreSQL takes, and whether its tables and indexes are as before.
//
// Flow:  auto room = read_room(connection, {"app"});      // connections of these users are not `others`
//        auto mark = read_mark(connection);               // differs when an index or HypoPG came or went
// Threads: the connection's; blocks. Cost: a query each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/advise/postgres_connection.hpp"

namespace fairing::app::advise {

struct connection_room {
  std::uint32_t max_connections = 0;
  std::uint32_t reserved = 0;  // superuser_reserved_connections and reserved_connections
  std::uint32_t others = 0;    // clients of other users, now
  bool operator==(const connection_room&) const = default;
};

[[nodiscard]] result<connection_room> read_room(postgres_connection& from,
                                                const std::vector<std::string>& users);
[[nodiscard]] result<std::string> read_mark(postgres_connection& from);

}  // namespace fairing::app::advise
