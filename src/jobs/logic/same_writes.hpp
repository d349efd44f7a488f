// same_writes: whether the second of two runs of a job wrote what was not there after the first.
//
// Problem: a job is delivered at least once, so now and then it runs twice; whether that does harm is found in production,
// unless somebody runs it twice before and compares what it wrote.
//
// Rule: the second run may write nothing, or the same again by value:
//   INSERT, or ON CONFLICT DO NOTHING, that added rows: not idempotent (added_rows) - unless the run deleted before what
//     the first one had put there, and put the same again
//   UPDATE, ON CONFLICT DO UPDATE, that changed rows: relative (n = n + 1): not; with the first run's text and values: is;
//     with other values or not in the first run at all: not
//   DELETE that found rows again: unclear; TRUNCATE again: is. What its text does not tell: unclear
//   a second run that failed, with a statement of it that failed: not; without: unclear
// Nothing is said of a run none of whose statements bore its trace: not_seen.
// docs/adr/0021 has the reasons. Pure; any thread. Cost: the square of a run's writes, 256 at most.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bus/write_sets.hpp"

namespace fairing::jobs {

enum class verdict : std::uint8_t {
  idempotent,      // nothing, or the same again
  not_idempotent,  // the second run added to what the first did
  unclear,         // something that cannot be judged by its text
  not_seen,        // its statements did not bear the trace, or were not watched
};
inline constexpr std::size_t verdict_count = 4;
[[nodiscard]] std::string_view to_string(verdict v) noexcept;

enum class verdict_reason : std::uint8_t {
  wrote_nothing,     // the second run
  wrote_the_same,    // by value
  added_rows,        // INSERT again
  relative,          // an UPDATE that builds on what the first run left
  other_values,      // the same statement with other values
  other_statement,   // a statement that the first run did not make
  failed,            // a statement of the second run failed, and the run with it
  failed_elsewhere,  // the second run failed, and none of its statements
  opaque,            // a statement whose writes its text does not tell
  deleted_again,     // a DELETE found rows in both runs
  values_unknown,    // too large to be hashed
  incomplete,        // more writes than are kept
  undone_in_part,    // ROLLBACK TO
  no_trace,          // no statement bore the run's trace
  not_watched,       // Fairing was restarted between the runs, or watched too many
};
[[nodiscard]] std::string_view to_string(verdict_reason r) noexcept;  // the enumerator's name

struct comparison {
  verdict what = verdict::not_seen;
  verdict_reason why = verdict_reason::not_watched;
  std::string statement;  // printed without values; empty: none in particular
  std::uint64_t rows_first = 0;
  std::uint64_t rows_second = 0;
};

// nullopt: that run was not watched. `second_failed`: it did not end in an ack.
[[nodiscard]] comparison compare_runs(const std::optional<bus::write_set>& first,
                                      const std::optional<bus::write_set>& second,
                                      bool second_failed);

}  // namespace fairing::jobs
