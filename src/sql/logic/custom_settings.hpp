// custom_settings: names with a dot (app.tenant) that statements set, so that those settings follow their client, too.
//
// Problem: PostgreSQL lists no setting that nobody has defined: neither pg_settings nor SHOW ALL has app.tenant, whatever
// a session has set it to. Its value is told only to those who ask for it by name. The names are in the statements: of
// SET, in the first argument of set_config, or among the values of a Bind.
//
// Flow:  effects of a new text: set_names found = set_names_of(text);
//        its client asks for the table's names, these, and those it has values of; what it is shown: table.add(name)
// A name of a statement is its own client's matter until PostgreSQL has shown a value for it: none that cannot be asked
// for, and nothing that only looks like a name, gets into a question that all clients share. The table is for what
// procedures set: names of a client's own are asked for by it whether the table has them or not, so it may forget. That no
// client sees another's settings does not hang on names at all: see server_session::unlisted_of.
// Bounds: `most` names a pool, of `longest` bytes; the one not seen for longest makes room. Threads: the pool's home core.
// Source: PostgreSQL 15, guc.c, add_placeholder_variable (GUC_NO_SHOW_ALL) and valid_custom_variable_name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"

namespace fairing::sql {

struct set_names {
  std::vector<std::string> names;
  std::vector<std::uint16_t>
      parameters;        // set_config($1, ...): 1, as the first value of the Bind is the name
  bool unknown = false;  // set_config of what only the server knows, or a name that is not followed
};

// Also in the bodies of DO and of functions: whatever stands in dollar quotes.
[[nodiscard]] set_names set_names_of(std::string_view text,
                                     codec::sql_lexer::lexer_options options = {});

// As PostgreSQL has it, in lower case; "" if it is no name of a custom setting, or one that is not ASCII: what its bytes
// mean depends on the client's encoding.
[[nodiscard]] std::string custom_name(std::string_view text);

class custom_settings {
 public:
  custom_settings();
  // `name` as custom_name gives it; it was seen now.
  void add(std::string_view name);
  // So was this one, if it is among them.
  void see(std::string_view name) noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  // state_query(), with their values.
  [[nodiscard]] std::string_view state_query() const noexcept { return query_; }

 private:
  static constexpr std::size_t most = 256;
  [[nodiscard]] std::size_t place_of(std::string_view name) const noexcept;
  std::vector<std::string> names_;   // sorted
  std::vector<std::uint64_t> seen_;  // of each
  std::uint64_t clock_ = 0;
  std::string query_;
};

}  // namespace fairing::sql
