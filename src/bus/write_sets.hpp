// write_sets: which SQL writes were made under a trace that somebody watches: the sql plane tells, the jobs plane asks.
//
// Problem: to say whether a job is safe to run twice, the writes of two of its runs must be put side by side. The jobs
// plane knows when a run begins and ends, the sql plane sees the statements and which trace they bear; neither includes
// the other, so they meet here.
//
// Flow:  jobs:  sets.begin(trace_key(trace));  ... the run ...  write_set w = sets.end(trace_key(trace));
//        sql:   if (sets.watches(key)) ... sets.add(key, write)      // at the end of the transaction that made it
// A statement is added before its client hears that its transaction is over, so what a worker did before it acks is
// there when the run ends.
// Bounds: 256 traces at a time (the oldest makes room, and is not known any more), 256 writes a trace.
// Threads: any. Cost: watches() is one relaxed load while nobody watches; else a short lock and a look-up.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/short_lock.hpp"

namespace fairing::bus {

// What a statement does to rows, as far as its text tells.
enum class write_kind : std::uint8_t {
  none,               // reads, or does nothing to rows
  insert,             // INSERT, COPY FROM: rows that were not there
  insert_or_nothing,  // INSERT .. ON CONFLICT DO NOTHING: such rows, unless they are there
  upsert,             // INSERT .. ON CONFLICT DO UPDATE
  update,             // UPDATE
  remove,             // DELETE
  truncate,           // TRUNCATE: the table is empty
  opaque,             // it may write, and its text does not tell what
};

struct write {
  write_kind kind = write_kind::none;
  bool relative =
      false;  // the value that was there goes into the new one, or chance or unseen data does
  std::uint64_t rows = 0;    // of the command tag; opaque: 1
  std::uint64_t values = 0;  // hash of text and parameters, without comments; 0: not known
  std::uint32_t table = 0;   // hash of the table's name; 0: not known
  std::shared_ptr<const std::string> statement;  // printed without values
};

struct write_set {
  std::vector<write> writes;     // committed, in the order of their transactions' ends
  std::uint64_t statements = 0;  // that bore the trace, reads and failed ones included
  std::uint64_t failures = 0;    // of them
  bool incomplete = false;       // there was more than is kept here
  bool undone_in_part = false;   // ROLLBACK TO: which writes it took back is not known
};

// Of the 32 hex digits of a trace; never 0. The same in the whole process, and in no other.
[[nodiscard]] std::uint64_t trace_key(std::string_view trace_id) noexcept;

class write_sets {
 public:
  static constexpr std::size_t most_open = 256;
  static constexpr std::size_t most_writes = 256;

  void begin(std::uint64_t key);  // anew, if it was open
  // nullopt: it was never begun, or had to make room.
  [[nodiscard]] std::optional<write_set> end(std::uint64_t key);

  [[nodiscard]] bool watches(std::uint64_t key) const noexcept;
  void saw_statement(std::uint64_t key, bool failed = false) noexcept;
  void add(std::uint64_t key, write w);
  void undone_in_part(std::uint64_t key) noexcept;
  void incomplete(std::uint64_t key) noexcept;
  [[nodiscard]] std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }

 private:
  struct entry {
    std::uint64_t serial = 0;
    write_set set;
  };
  [[nodiscard]] entry* find(std::uint64_t key) noexcept;

  mutable short_lock lock_;
  boost::unordered_flat_map<std::uint64_t, entry> sets_;
  std::uint64_t serial_ = 0;
  std::atomic<std::size_t> open_{0};
};

}  // namespace fairing::bus
