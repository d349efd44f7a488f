// statements: prepared statements of a pool: what clients call them, and what they are called on its servers.
//
// Problem: a client prepares `s1` once and binds it for hours, each time on another server. The same text and types of
// two clients are one statement here, under one name of ours; each server has some of them.
//
// Flow:
//   shared_statement* s = table.take(definition, false);   // a reference, for a client's map
//   if (!server.has(*s, table.epoch)) prepare it there; server.add(*s, epoch) -> names to close, oldest first
//   table.give(s);                                          // the client's name is gone
// Threads: the pool's home core. Bounds: `limits` of the table (statements nobody names go first), `most` of a server.
// Cost: one hash look-up each.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/logic/effects.hpp"

namespace fairing::sql {

struct shared_statement {
  std::uint32_t id = 0;
  std::string name;  // on servers: "fairing_7"
  std::string
      definition;  // the Parse message's body behind the name; or PREPARE's text with name_mark
  bool from_sql = false;  // made by SQL's PREPARE: definition is a text to run
  std::string scope;      // what else tells it from others: whoever resolves the text's names alike
  std::uint64_t shape = unknown_shape;  // of its rows, as a server described them
  std::uint64_t shape_epoch = 0;        // of the table, when the shape was last seen to change
  bool listed = false;                  // among the table's idle ones
  std::uint32_t references = 0;
  effects what;
  static constexpr std::uint64_t unknown_shape = 0;
  // Stands for the name in the definition of one made by PREPARE.
  static constexpr std::string_view name_mark{"\x01", 1};
  [[nodiscard]] std::string sql_text() const;
};
// What the statement of that id is called on servers.
[[nodiscard]] std::string name_on_servers(std::uint32_t id);

struct statement_limits {
  std::size_t idle_statements = 5000;                // kept though no client names them
  std::size_t bytes = 256ULL * 1024 * 1024;          // of definitions, all together
  std::size_t a_client = 10'000;                     // names a client may have at a time
  std::size_t a_client_bytes = 32ULL * 1024 * 1024;  // of their definitions, but for a first one
};

class statement_table {
 public:
  explicit statement_table(statement_limits limits = {}) : limits_(limits) {}
  statement_table(const statement_table&) = delete;
  statement_table& operator=(const statement_table&) = delete;

  // The statement of this definition, one reference more; null if the table's bytes are spent. `scope`: only clients of
  // the same scope share it (what their settings make of a text; or one client alone).
  [[nodiscard]] shared_statement* take(std::string_view definition, bool from_sql,
                                       std::string_view scope = {});
  void retain(shared_statement& s) noexcept { ++s.references; }
  void give(shared_statement& s);
  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // What one takes: it stands in the key as well.
  [[nodiscard]] static std::size_t bytes_of(std::string_view definition) noexcept {
    return 2 * definition.size();
  }
  [[nodiscard]] const statement_limits& limits() const noexcept { return limits_; }

  // Raised when a table's shape may have changed: what was prepared before is prepared anew for who prepares again.
  std::uint64_t epoch = 1;

 private:
  struct hash {
    std::size_t operator()(std::string_view s) const noexcept;
  };
  void evict_idle();
  statement_limits limits_;
  static std::string key_of(std::string_view definition, bool from_sql, std::string_view scope);
  boost::unordered_flat_map<std::string, std::unique_ptr<shared_statement>, hash> by_key_;
  std::vector<shared_statement*> idle_;  // candidates; one that is named again is skipped
  std::size_t bytes_ = 0;
  std::uint32_t last_id_ = 0;
};

// Which statements one server has prepared.
class server_statements {
 public:
  explicit server_statements(std::size_t most = 500) : most_(most) {}
  struct held {
    std::uint64_t epoch =
        0;  // 0: it may be there, or an older one: to be closed before it is prepared
    std::uint64_t used = 0;
  };
  // Null if it is not there. Counts as a use.
  [[nodiscard]] const held* find(const shared_statement& s);
  // Now it is there. The id of one that has to be closed for it.
  [[nodiscard]] std::optional<std::uint32_t> add(const shared_statement& s, std::uint64_t epoch);
  void remove(std::uint32_t id) { held_.erase(id); }
  // Its Parse or its Close was skipped: it may be there or not.
  void doubt(std::uint32_t id) { held_[id] = {}; }
  void doubt_all() {
    for (auto& [id, h] : held_) h.epoch = 0;
  }
  // What is there was seen to be of that epoch.
  void refresh(std::uint32_t id, std::uint64_t epoch) {
    if (const auto at = held_.find(id); at != held_.end()) at->second.epoch = epoch;
  }
  void clear() { held_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return held_.size(); }

 private:
  std::size_t most_;
  std::uint64_t uses_ = 0;
  boost::unordered_flat_map<std::uint32_t, held> held_;
};

}  // namespace fairing::sql
