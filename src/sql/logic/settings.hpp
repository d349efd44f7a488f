// settings: what a client has SET, so that it follows the client from server to server.
//
// Problem: SET changes a session, but sessions are shared. Instead of guessing from a statement's text what it changed
// (savepoints roll settings back, functions set them), the server is asked after any statement that may have: its own
// list of what was set in this session is exact. Sets of settings are interned: two clients with the same settings
// compare equal by pointer, and a server is brought from one set to another by the difference.
//
// Flow:
//   const settings* now = table.intern({{"timezone", "UTC"}});   // rows of state_query
//   if (server.applied != client.wanted) run table.change(*server.applied, *client.wanted)
// Threads: the pool's home core. Bounds: `most` sets that somebody uses at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairing::sql {

struct settings {
  std::vector<std::pair<std::string, std::string>> values;  // by name
  [[nodiscard]] bool operator==(const settings&) const = default;
};
// Sets are shared by clients and servers, and gone with the last of them.
using settings_ptr = std::shared_ptr<const settings>;

// Equal for equal sets while somebody holds them; for the pool, which prefers a server that has the client's.
[[nodiscard]] inline std::uint64_t state_id_of(const settings_ptr& s) noexcept {
  return reinterpret_cast<std::uintptr_t>(s.get());
}

class settings_table {
 public:
  settings_table();
  // The set without any: what a session begins with.
  [[nodiscard]] const settings_ptr& none() const noexcept { return none_; }
  [[nodiscard]] settings_ptr intern(settings s);

 private:
  settings_ptr none_;
  std::map<std::vector<std::pair<std::string, std::string>>, std::weak_ptr<const settings>> known_;
  std::size_t sweep_at_ = 64;
};

// SQL, of one or more statements, that takes a session from one set to another.
[[nodiscard]] std::string change_query(const settings& from, const settings& to);
// The same for a session in which others may have made settings that nobody lists: all are reset.
[[nodiscard]] std::string renewal_query(const settings& from, const settings& to);

// What a session holds that belongs to its client. Each row: kind, name, value, all text:
//   s NAME VALUE   a setting made in this session
//   c NAME VALUE   one with a dot that has a value, of those that were asked for
//   r role ROLE    SET ROLE is in force
//   u user         whose session it is: SET SESSION AUTHORIZATION may have changed it
//   t, h, a, l, p  how many objects of pg_temp, held cursors, session advisory locks, channels, and statements that
//                  were prepared under names of the client's own (as value)
// Whatever is in pg_temp (tables, functions, types, operators ...) depends on it, which is also how DISCARD TEMP finds it.
// Run outside a transaction, so the advisory locks that are left are the session's.
[[nodiscard]] std::string_view state_query() noexcept;
// The same, and the values of these settings that pg_settings does not list (custom_settings.hpp), if they have any.
[[nodiscard]] std::string state_query_with(const std::vector<std::string>& custom);

// 'it''s': a literal under any standard_conforming_strings.
[[nodiscard]] std::string quote_literal(std::string_view text);
// "a""b"
[[nodiscard]] std::string quote_identifier(std::string_view name);

}  // namespace fairing::sql
