// mysql_text: a MySQL statement as PostgreSQL's parser can read it.
//
// Problem: one reader of statements serves both servers; only the spelling differs: `names`, "strings",
// backslashes, ?, LIMIT a, b, and the (...) and ? of performance_schema's digests.
//
// Flow:  const auto t = translate_mysql("SELECT * FROM `o` WHERE a = ? LIMIT 5, 10");
//        t.postgres                       // SELECT * FROM "o" WHERE a = $1 LIMIT 10 OFFSET 5
//        with_values(text, t, {"'x'"})    // the original, its first ? being 'x'
// What has no counterpart is left as it is; the parser then refuses the statement.
// Threads: pure; any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise::indexes {

struct mysql_place {
  std::size_t begin = 0;  // of a ? or (...) in the original
  std::size_t end = 0;
  bool list = false;  // (...), the digest's word for a list of values
};

struct mysql_translation {
  std::string postgres;
  std::vector<mysql_place> places;  // of $1, $2 ..
};

[[nodiscard]] mysql_translation translate_mysql(std::string_view text);

// The original with values put in; places without one get `1`.
[[nodiscard]] std::string with_values(std::string_view text, const mysql_translation& t,
                                      const std::vector<std::string>& values);

}  // namespace fairing::advise::indexes
