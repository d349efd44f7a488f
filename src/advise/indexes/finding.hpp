// finding: one piece of index advice, and its JSON.
//
// Flow:  json_of(f)   // an item of GET /v1/indexes and of `fairing advise --json`
// Threads: plain values.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise::indexes {

// The seven lines of the indexing checklist, and what else is wrong with indexes.
enum class finding_kind : std::uint8_t {
  primary_key,  // a table without one
  foreign_key,  // its columns have no index
  where,        // a column compared with a value has no index
  order_by,     // the answer is sorted each time
  join,         // a column two tables are joined by has no index
  unique,       // values that are looked up as if they were unique, without a unique index
  composite,    // several columns that one index would serve together
  unused,       // an index that no query read
  redundant,    // an index that another one contains
  invalid,      // an index that was never finished: written to, never read
};
inline constexpr std::size_t finding_kinds = 10;
[[nodiscard]] std::string_view name_of(finding_kind k) noexcept;
// What is wrong with the table's columns, for whoever writes the backend: "rows are looked up by this ...".
[[nodiscard]] std::string_view fault_of(finding_kind k) noexcept;

enum class verification : std::uint8_t {
  yes,         // by the planner with a hypothetical index, or it is a fact of the catalogue
  no,          // the planner was asked, and would not use it
  unverified,  // no plan was or could be made
};
[[nodiscard]] std::string_view name_of(verification v) noexcept;

enum class finding_source : std::uint8_t {
  plan,       // from a statement's plan
  catalogue,  // from tables and indexes alone
};
[[nodiscard]] std::string_view name_of(finding_source s) noexcept;

struct finding {
  std::string table;  // schema.name
  std::vector<std::string> columns;
  finding_kind kind = finding_kind::where;
  std::string statement;   // to paste; several are separated by "; "
  double gain = -1;        // share of the statement's cost saved, 0 to 1; -1: not known
  double cost_before = 0;  // planner's, of the statement that gains most
  double cost_after = 0;
  std::uint64_t size = 0;  // bytes the index takes, or frees when dropped; 0: not known
  verification verified = verification::unverified;
  finding_source source = finding_source::catalogue;
  std::string evidence;
  std::string caution;  // what to see to before the statement is run; empty: nothing
  std::vector<std::string> statements;  // that gain, the best first; at most 5
  double weight = 0;                    // for sorting: cost saved over all calls
};

[[nodiscard]] nlohmann::json json_of(const finding& f);

}  // namespace fairing::advise::indexes
