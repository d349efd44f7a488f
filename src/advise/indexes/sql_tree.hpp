// sql_tree: PostgreSQL's own parser, as JSON.
//
// Flow:  const auto t = parse_sql("SELECT ..");  if (!t) t.error().message();   // what, at which byte
//        (*t)["SelectStmt"]["whereClause"]
//        for (const auto& text : split_sql(file_text)) ...
// Exactly one statement is taken: more than one is refused, so that what is planned is what was read.
// Source: libpg_query 15 (grammar of PostgreSQL 15; later syntax is an error here).
// Threads: any; the library keeps its state per thread. Cost: 3 to 20 us, allocates.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fairing::advise::indexes {

inline constexpr std::size_t max_statement_bytes = 256 * 1024;
inline constexpr std::size_t max_split = 10'000;

enum class errc {
  not_sql = 1,      // the parser refuses the text
  not_one,          // no statement, or several
  too_large,        // more than max_statement_bytes
  not_a_statement,  // nothing that is planned: DDL, SET, BEGIN
};

[[nodiscard]] std::error_code make_error_code(errc e) noexcept;

// The statement's node: one member, named by its kind.
[[nodiscard]] result<nlohmann::json> parse_sql(std::string_view text);

// The statements of a file, at most max_split, without their semicolons; a broken one is kept as it is.
[[nodiscard]] std::vector<std::string> split_sql(std::string_view text);

}  // namespace fairing::advise::indexes

template <>
struct std::is_error_code_enum<fairing::advise::indexes::errc> : std::true_type {};
