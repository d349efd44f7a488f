#include "app/cli_advise.hpp"

#include <CLI/CLI.hpp>

namespace fairing::app {

void add_advise_options(CLI::App& v, advise::advise_options& o) {
  v.add_option("--postgres", o.postgres,
               "The database: postgres://USER:PASSWORD@HOST:PORT/DATABASE; without it and --mysql: "
               "DATABASE_URL")
      ->type_name("URL");
  v.add_option("--mysql", o.mysql,
               "The database: mysql://USER:PASSWORD@HOST:PORT/DATABASE[?socket=PATH]")
      ->type_name("URL");
  v.add_option("--file", o.file,
               "Look at the statements of this file (- is stdin) instead of pg_stat_statements or "
               "performance_schema")
      ->type_name("FILE");
  v.add_flag("--analyze", o.analyze,
             "Also run the SELECTs whose values are known: EXPLAIN (ANALYZE, BUFFERS) in a "
             "read-only transaction, rolled back, 10 s at most each; none that calls a volatile "
             "function");
  v.add_option("--limit", o.limit, "How many statements, the heaviest first (default 100)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000}));
  v.add_option("--unused-days", o.unused_days,
               "Days of statistics before an index that was never read is called unused (default "
               "30)")
      ->type_name("DAYS")
      ->check(CLI::NonNegativeNumber);
}

std::optional<std::string> complete_advise(options& o) {
  auto& a = o.advise;
  a.json = o.json;
  a.strict = o.strict;
  if (!a.postgres.empty() && !a.mysql.empty())
    return "advise: give --postgres or --mysql, not both";
  if (!a.postgres.empty() || !a.mysql.empty()) return std::nullopt;
  const auto url = o.source.env("DATABASE_URL").value_or("");
  if (url.starts_with("postgres"))
    a.postgres = url;
  else if (url.starts_with("mysql") || url.starts_with("mariadb"))
    a.mysql = url;
  else
    return "advise on which database? give --postgres URL or --mysql URL, as in fairing advise "
           "--postgres postgres://app:secret@127.0.0.1/shop";
  return std::nullopt;
}

answer advise_answer(const options& o) {
  auto a = advise::advise(o.advise);
  return {a.code, std::move(a.out), std::move(a.err)};
}

}  // namespace fairing::app
