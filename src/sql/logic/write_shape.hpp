// write_shape: what a statement does to rows, and whether doing it twice is the same as doing it once, as far as its text
// tells.
//
// Problem: UPDATE t SET n = 5 may be run twice, UPDATE t SET n = n + 1 may not; INSERT adds rows each time, unless it says
// ON CONFLICT. What two runs of a job wrote can be compared only with that known.
//
// Flow:  const write_shape s = write_shape_of(text, analyzer);     // the analyzer has run on the text with all parts
// `relative`: a column is set to something made of itself (n = n + 1, tags = tags || $1, CASE WHEN n ..), or of chance
// (random(), gen_random_uuid(), nextval()). Not relative: coalesce(n, ..) with n first, greatest and least with n as a
// whole argument, EXCLUDED.n, and times (now(), clock_timestamp()): that a row was touched twice is not held against it.
// COPY is relative: its rows are not in its text. `opaque`: several statements of which one writes, writes inside WITH, MERGE, CALL, DO, EXECUTE, DDL, large objects, a
// sub-select that names the column it is assigned to, and whatever nobody here knows.
// What it cannot see: what functions, triggers and rules do.
// Pure; any thread. Cost: once a text that bears a trace and writes: one lexing.
#pragma once

#include <cstdint>
#include <string_view>

#include "bus/write_sets.hpp"
#include "codec/sql_lexer/analyzer.hpp"

namespace fairing::sql {

struct write_shape {
  bus::write_kind kind = bus::write_kind::none;
  bool relative = false;
  std::uint32_t table = 0;  // hash of the written table's name; 0: none or several
};

[[nodiscard]] write_shape write_shape_of(std::string_view text,
                                         const codec::sql_lexer::analyzer& a);

}  // namespace fairing::sql
