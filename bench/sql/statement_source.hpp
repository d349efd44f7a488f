// statement_source: the bytes of the statements a load client sends.
//
// Problem: every client library forms a query in one of three ways, and a pooler's cost depends on it.
// Flow: statement_source s({.text = "SELECT {r}", .how = protocol::extended, .range = 100});
//   out += s.preparation();  // empty unless prepared; answered by one ReadyForQuery
//   s.append_next(out);      // one statement, answered by one ReadyForQuery
//   `{r}`, at most once, becomes a random number of 1..range: a literal in simple, else `$1`.
// Lifecycle: one for all connections. Threads: one. Cost: one append, and a few digits.
// Source: what libpq sends for PQsendQuery, PQsendQueryParams and PQsendQueryPrepared, as pgbench uses them.
#pragma once

#include <cstdint>
#include <string>

namespace fairing::bench {

enum class protocol : std::uint8_t {
  simple,    // Query
  extended,  // Parse, Bind, Describe, Execute, Sync in one packet, statement and portal unnamed
  prepared,  // Parse once a connection; then Bind, Describe, Execute, Sync
};

struct statement_plan {
  std::string text = "SELECT 1";
  protocol how = protocol::simple;
  std::uint32_t range = 1;
  std::uint64_t seed = 1;
};

class statement_source {
 public:
  explicit statement_source(const statement_plan& plan);

  [[nodiscard]] const std::string& preparation() const noexcept { return preparation_; }
  void append_next(std::string& out);

 private:
  [[nodiscard]] std::uint32_t next_number() noexcept;

  statement_plan plan_;
  std::string preparation_;
  bool numbered_ = false;  // `{r}` stands in the text
  std::string before_;     // what goes before the number (simple) or before the Bind
  std::string after_;
  std::uint64_t random_;
};

}  // namespace fairing::bench
