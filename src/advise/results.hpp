// results: the last few results of a session, as they passed, for finding where a parameter came from.
//
// Problem: the proof of an N+1 loop is that its parameter runs down a column of an earlier result. So
// rows are kept for a while; few of them, unparsed, and without allocating or moving anything.
//
// Flow:
//   const auto h = store.begin(text, binary_columns, now_us);   // at a result's first row
//   store.add_row(h, body);                                     // DataRow's body: count, values
//   store.end(h);                                               // see below
//   for (row_cursor c = store.first(r); !store.row(c).empty(); store.next(c)) ...
// Rows lie in blocks of 1 KiB, at most 32 blocks a session, 16 a result and 1,000 rows a result; what is
// longer is cut there (result::cut). A row of over 1 KiB is kept shortened: its short values, which keys
// are, and of the others only their places. The least recently used result makes room. Of one text the last two results
// are kept. One of fewer than two rows is forgotten at its end, unless its text has given longer ones (a nested loop passes through it).
// Lifecycle: one a session tracker. Threads: its core's.
// Cost: a copy of the row's bytes (up to 1 KiB; of a longer one a walk over its values); blocks are allocated once and
// reused.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "advise/value.hpp"

namespace fairing::advise {

inline constexpr std::uint8_t no_block = 0xff;
inline constexpr std::size_t most_columns = 64;  // of a result; those behind are not looked at

// Bytes that several sessions may take together.
struct memory_room {
  std::size_t left = 0;

  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (left < bytes) return false;
    left -= bytes;
    return true;
  }
};

// A result that is kept, or being taken in. serial 0: unused.
struct result {
  std::uint32_t text = 0;    // whose result it is
  std::uint32_t serial = 0;  // grows; tells a result from the one that takes its place
  std::uint32_t used = 0;    // tick of its last use
  std::uint16_t rows = 0;
  std::uint16_t fill = 0;  // bytes in its last block
  std::uint8_t first = no_block;
  std::uint8_t last = no_block;
  std::uint8_t blocks = 0;
  bool open = false;         // rows may still come
  bool cut = false;          // it had more rows than are kept
  std::uint64_t binary = 0;  // columns in binary format, by bit
  std::int64_t at_us = 0;    // when it began
};

struct result_handle {
  std::uint8_t slot = no_block;
  std::uint32_t serial = 0;
};

// A row: in block at offset; row counts from 0.
struct row_cursor {
  std::uint8_t block = no_block;
  std::uint16_t offset = 0;
  std::uint16_t row = 0;
  std::uint16_t rows = 0;  // of the result when the cursor was made: it ends there
};

// The values of one row, walked column by column.
class row_walk {
 public:
  explicit row_walk(std::string_view row) noexcept;
  // False behind the last column, or where what came of the row ends.
  [[nodiscard]] bool next(value_view& out) noexcept;

 private:
  std::string_view rest_;
  std::uint32_t left_ = 0;
};

class result_store {
 public:
  static constexpr std::size_t block_bytes = 1024;
  static constexpr std::size_t longest_row = block_bytes - 2;  // its length stands before it
  static constexpr std::size_t most_blocks = 32;
  static constexpr std::size_t blocks_a_result = 16;
  static constexpr std::size_t most_results = 16;
  static constexpr std::uint16_t rows_a_result = 1000;

  // room: outlives it; null: it takes what it needs.
  explicit result_store(memory_room* room = nullptr) noexcept : room_(room) {}

  // A handle of nothing if there is no room.
  [[nodiscard]] result_handle begin(std::uint32_t text, std::uint64_t binary, std::int64_t now_us);
  void add_row(result_handle h, std::string_view body);
  void end(result_handle h) noexcept;
  void clear() noexcept;
  void release() noexcept;  // clear, and its memory goes back

  [[nodiscard]] std::span<const result> all() const noexcept { return results_; }
  // Null if it is gone.
  [[nodiscard]] const result* find(result_handle h) const noexcept;
  void touch(result_handle h) noexcept;
  // Serial of the newest result that was closed with two rows or more.
  [[nodiscard]] std::uint32_t newest() const noexcept { return newest_; }

  [[nodiscard]] static row_cursor first(const result& r) noexcept {
    return {r.first, 0, 0, r.rows};
  }
  // Empty at the end.
  [[nodiscard]] std::string_view row(const row_cursor& c) const noexcept;
  void next(row_cursor& c) const noexcept;
  // The value of a column; left_out if what is kept of the row does not have it.
  [[nodiscard]] value_view value(const row_cursor& c, std::size_t column,
                                 bool binary) const noexcept;

 private:
  [[nodiscard]] result* kept(result_handle h) noexcept;
  [[nodiscard]] bool has_other(const result& r) const noexcept;
  [[nodiscard]] std::uint8_t take_block(std::uint8_t keep);
  [[nodiscard]] std::uint8_t take_slot() noexcept;
  [[nodiscard]] std::uint8_t oldest(std::uint8_t keep) const noexcept;
  void drop(std::uint8_t slot) noexcept;
  void forget_older(std::uint8_t slot) noexcept;

  memory_room* room_;
  std::array<result, most_results> results_{};
  std::array<std::unique_ptr<char[]>, most_blocks> blocks_;
  std::array<std::uint8_t, most_blocks> chain_{};  // the block behind a block
  std::uint32_t used_blocks_ = 0;                  // a bit each
  std::uint32_t serial_ = 0;
  std::uint32_t tick_ = 0;
  std::uint32_t newest_ = 0;
};

}  // namespace fairing::advise
