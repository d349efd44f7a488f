// statement_reader: the walk of read_statement over a parse tree. Not for others.
//
// Flow:  statement_reader r(catalogue, facts);  r.read(node);
// One scope a SELECT; names are looked up from the innermost outwards.
// Threads: one. Bounds: max_depth, max_relations.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "advise/indexes/statement.hpp"

namespace fairing::advise::indexes {

class statement_reader {
 public:
  using json = nlohmann::json;

  statement_reader(const catalogue& c, statement_facts& out) : catalogue_(c), out_(out) {}
  void read(const json& node);

 private:
  static constexpr int max_depth = 256;
  static constexpr std::size_t max_relations = 64;

  struct named {
    std::string alias;
    std::optional<std::size_t> relation;  // none: not a table of the catalogue
  };
  struct scope {
    const scope* outer = nullptr;
    std::uint32_t block = 0;
    std::vector<named> names;
    std::set<std::string> with;  // names of WITH, which hide tables
  };
  struct column_at {
    std::size_t relation = 0;
    int column = 0;
  };

  void select(const json& s, const scope* outer);
  void update(const json& s);
  void remove(const json& s);
  void with_clause(const json& s, scope& in);
  void from_item(const json& node, scope& in, std::vector<const json*>& conditions);
  void add_table(const json& range_var, scope& in);
  void using_clause(const json& names, std::size_t left_begin, std::size_t right_begin,
                    const scope& in);
  void condition(const json& node, const scope& in);
  void operator_condition(const json& e, const scope& in);
  void bare_boolean(const json& node, const scope& in, bool value);
  void compare(const json& column_side, const json& value_side, const std::string& op,
               const scope& in);
  void in_select(const json& link, const scope& in);
  void sub_selects(const json& node, const scope& in);
  void order_by(const json& s, const scope& in);
  [[nodiscard]] std::optional<column_at> sort_target(const json& node, const json& s,
                                                     const scope& in) const;
  [[nodiscard]] std::optional<column_at> resolve(const json& node, const scope& in) const;
  [[nodiscard]] std::optional<wrapped> wrapping(const json& node, const scope& in) const;
  void note_parameters(const json& node, int depth);
  void add(const column_at& at, comparison how, const json* value);

  const catalogue& catalogue_;
  statement_facts& out_;
  std::uint32_t blocks_ = 0;
  int depth_ = 0;
};

// Text of a literal as SQL; empty if the node is none.
[[nodiscard]] std::string literal_text(const nlohmann::json& node);
// `node` without casts around it.
[[nodiscard]] const nlohmann::json& uncast(const nlohmann::json& node);
// Neither a column nor a sub-select in it: the same for every row.
[[nodiscard]] bool is_value(const nlohmann::json& node, int depth = 0);

}  // namespace fairing::advise::indexes
