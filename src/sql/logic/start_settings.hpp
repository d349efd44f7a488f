// start_settings: what a client's start-up asks for, parted in what can be SET in any session and what a session must
// begin with.
//
// Problem: servers are shared. Start-up parameters that became the servers' own would need a pool for each set of them:
// forty tenants with a search_path each would be forty pools. What can be SET is the client's first settings instead, and
// follows it like those that it makes later; only the rest (a switch of `options` that is no setting, a parameter that
// PostgreSQL takes at a session's start alone) tells pools apart.
//
// Flow:  const auto s = part_start_up(parameters);   s.settings: for the relay;   s.fixed: of the pool's key
// Pure; any thread. Source: PostgreSQL 15, postinit.c, process_startup_options (options first, parameters over them),
// pg_split_opts; guc.c, ParseLongOption; contexts `backend` and `superuser-backend` of pg_settings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/logic/settings.hpp"

namespace fairing::sql {

using parameter_list = std::vector<std::pair<std::string, std::string>>;

struct start_up {
  parameter_list settings;  // by name, each once
  parameter_list fixed;     // by name
};

// `parameters` in the order of the packet, names in lower case; user, database and the protocol's own are not among them.
[[nodiscard]] start_up part_start_up(const parameter_list& parameters);

// "-c search_path=a --work-mem=1MB": names and values; nullopt if there is any other switch.
[[nodiscard]] std::optional<parameter_list> read_options(std::string_view options);

// What start-ups came to: the settings as PostgreSQL lists them ("ISO, MDY" for "iso"), by what was asked for. The first
// client of each finds out; the others are let in without a server. A pool's, on its home core; bounded.
class known_starts {
 public:
  [[nodiscard]] settings_ptr find(const parameter_list& asked) const;
  void add(const parameter_list& asked, settings_ptr listed);
  void clear() noexcept { all_.clear(); }

 private:
  static constexpr std::size_t most = 1000;
  std::map<parameter_list, settings_ptr> all_;
};

}  // namespace fairing::sql
