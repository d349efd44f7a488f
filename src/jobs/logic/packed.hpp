// packed: the parts of a job that no query asks for, as one string a store can keep in one column; and ids as SQL has them.
//
// Problem: attempts, fields and history are lists; a column or a table for each would make each write several.
//
// Flow:  row.spec = pack_spec(j);   if (!unpack_spec(row.spec, j)) the row is damaged
// Format: numbers as LEB128, texts with their length before them, behind one byte of version. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/logic/job.hpp"

namespace fairing::jobs {

// timeout_ms, attempts, owner, content_type, fields, batch: what does not change after put().
[[nodiscard]] std::string pack_spec(const job& j);
// The batch alone; 0: none, or the text is damaged.
[[nodiscard]] std::uint64_t batch_in(std::string_view packed_spec);
[[nodiscard]] bool unpack_spec(std::string_view text, job& into);
[[nodiscard]] std::string pack_history(const job& j);
[[nodiscard]] bool unpack_history(std::string_view text, job& into);

// Ids use all 64 bits, the integers of SQL have a sign: moved so that the order stays.
[[nodiscard]] constexpr std::int64_t to_sql(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>(n ^ (1ULL << 63));
}
[[nodiscard]] constexpr std::uint64_t from_sql(std::int64_t n) noexcept {
  return static_cast<std::uint64_t>(n) ^ (1ULL << 63);
}

}  // namespace fairing::jobs
