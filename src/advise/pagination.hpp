// pagination: what OFFSET costs, and the keyset form that does not.
//
// Problem: `OFFSET 100000` makes the database read and throw away 100,000 rows, page after page; and a
// SELECT without LIMIT that returns tens of thousands of rows grows with the table. Both are seen
// in the values and row counts of a template's executions; a constant OFFSET 0 (Prisma sends one
// always) is neither.
//
// Flow:
//   watch.on_execution(limit, offset);  watch.on_rows(n)       // each execution; -1: not there
//   if (watch.verdict() != page_fault::none) ... keyset_form(template_text)
// On a table that is known to have over 10,000 rows: any OFFSET over 0. On one known to have fewer: none.
// Where that is not known: a deep offset, 1,000 or more; or over ten pages deep while it was seen to grow
// three times.
// Unbounded: no LIMIT, and over 10,000 rows at least once.
// Lifecycle: one a template. Threads: one at a time. Cost: a few compares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise {

enum class page_fault : std::uint8_t {
  none,       // nothing to say
  offset,     // OFFSET on a large table, or a deep one
  unbounded,  // a SELECT without LIMIT that gave over 10,000 rows
};

inline constexpr std::int64_t deep_offset = 1000;
inline constexpr std::uint64_t many_rows = 10'000;  // of an answer; of a table

class page_watch {
 public:
  void on_execution(std::int64_t limit, std::int64_t offset) noexcept;
  void on_rows(std::uint64_t rows, bool has_limit) noexcept;
  void merge(const page_watch& o) noexcept;
  // table_rows: of the largest table that the statement reads, where it is known.
  [[nodiscard]] page_fault verdict(
      std::optional<std::uint64_t> table_rows = std::nullopt) const noexcept;
  [[nodiscard]] std::int64_t deepest() const noexcept { return deepest_; }
  [[nodiscard]] std::int64_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::uint32_t grown() const noexcept { return grown_; }
  [[nodiscard]] std::uint64_t most_rows() const noexcept { return most_rows_; }
  // Executions with OFFSET over 0, and without LIMIT over many_rows.
  [[nodiscard]] std::uint64_t with_offset() const noexcept { return with_offset_; }
  [[nodiscard]] std::uint64_t unbounded() const noexcept { return unbounded_; }

 private:
  std::int64_t deepest_ = 0;
  std::int64_t last_ = 0;
  std::int64_t limit_ = -1;  // the largest that came with an offset
  std::uint64_t with_offset_ = 0;
  std::uint64_t unbounded_ = 0;
  std::uint64_t most_rows_ = 0;
  std::uint32_t grown_ = 0;
};

// The columns that tell a table's rows apart, as SQL writes them. nullopt: not known; empty: there are none.
using row_key = std::optional<std::vector<std::string>>;

// The template with a condition on the sort columns and the key's in place of OFFSET; a key that is not known is
// taken to be `id`. "" if there is no key, if it is not one SELECT with rows of its own, or sorts in both directions.
[[nodiscard]] std::string keyset_form(std::string_view template_text, const row_key& key = {});

}  // namespace fairing::advise
