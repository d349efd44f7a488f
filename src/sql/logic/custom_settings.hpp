// custom_settings: names with a dot (app.tenant) that statements set, so that those settings follow their client, too.
//
// Problem: PostgreSQL lists no setting that nobody has defined: neither pg_settings nor SHOW ALL has app.tenant, whatever
// a session has set it to. Its value is told only to those who ask for it by name. The names are in the statements: of
// SET, in the first argument of set_config, or among the values of a Bind.
//
// Flow:  effects of a new text: set_names found = set_names_of(text);
//        for each name: if (!table.add(name)) the client cannot be followed;   ... ask table.state_query()
// A name too many (a column that looks like one) costs a lookup and changes nothing: what has no value is not listed.
// Bounds: `most` names a pool, of `longest` bytes. Threads: the pool's home core.
// Source: PostgreSQL 15, guc.c, add_placeholder_variable (GUC_NO_SHOW_ALL) and valid_custom_variable_name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairing::sql {

struct set_names {
  std::vector<std::string> names;
  bool by_parameter = false;  // set_config($1, ...): a value of the Bind is the name
  bool unknown = false;       // set_config of what only the server knows
};

// Also in the bodies of DO and of functions: whatever stands in dollar quotes.
[[nodiscard]] set_names set_names_of(std::string_view text);

// As PostgreSQL has it, in lower case; "" if it is no name of a custom setting.
[[nodiscard]] std::string custom_name(std::string_view text);

class custom_settings {
 public:
  custom_settings();
  // `name` as custom_name gives it. False: it is not among them, and there is no room.
  [[nodiscard]] bool add(std::string name);
  // state_query(), with their values.
  [[nodiscard]] std::string_view state_query() const noexcept { return query_; }

 private:
  static constexpr std::size_t most = 256;
  std::vector<std::string> names_;  // sorted
  std::string query_;
};

}  // namespace fairing::sql
