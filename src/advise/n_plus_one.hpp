// n_plus_one: finds the loop in which one statement is sent again for each row of an earlier result.
//
// Problem: N+1 costs a round trip a row, and counting repeats alone blames pollers, point look-ups and
// benchmarks as well. Here a repeat counts only with its proof: the one value that changes runs down
// a column of a result that the same session (or the same traced request) was given before, in order.
//
// Flow (one tracker a session, or a request where statements bear a trace):
//   tracker.execute({.text = id, .units = values, .now_us = t}, sink);   // each statement that only reads
//   const auto h = tracker.results().begin(..), add_row, end            // its rows as they pass
//   tracker.done(id, duration_us);
//   tracker.flush(now_us, sink);      // loops that are over; also at the session's end
// `sink` gets a run: one loop that was seen to its end, with at least `least` executions.
//
// What counts: exactly one value differs from the execution before (several places with the same old and
// the same new value are one); it is no LIMIT, OFFSET, row of VALUES or element of a longer list; old and
// new value stand in one column in this order, at most `window` other values apart; the gap to the
// execution before is under `gap_us`, and the result not older than `source_age_us`. A nested loop goes on in the
// next result of the same text. Rows may be skipped, but half of those passed must have been asked for.
// A value that was not kept (results.hpp) may be the one that is asked for, if the one before was seen.
// What does not: integers that go on counting before the column's first or behind its last key come
// from a counter, not from the result.
// Several columns may fit: up to three are followed, and the one that fits longest is reported; of equals the
// one named `id` or like the key.
// Lifecycle: bounded: 64 texts and result_store's 32 KiB, allocated as used. Threads: its core's.
// Cost: first sight of a text: under 50 ns. A repeat within a known loop: about 100 ns. A repeat that is
// none is looked for in the results kept (about 8 ns a value); the more often in vain, the rarer: in the
// end every 16th time, or every 4th where there are new results.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "advise/results.hpp"
#include "advise/value.hpp"

namespace fairing::advise {

inline constexpr std::size_t most_units = 12;  // values of a statement that are compared one by one

// A value of a statement: a parameter, or a literal.
struct unit {
  value_key key;
  bool may_be_key = true;  // no LIMIT, OFFSET, VALUES, nor one of several in a list
};

struct execution {
  std::uint32_t text = 0;       // id of the statement's text without its values; not 0
  std::span<const unit> units;  // at most most_units
  std::uint32_t rest = 0;       // hash of all values that are no units: constants
  std::uint32_t route = 0;      // of the request; 0 unknown
  std::int64_t now_us = 0;
};

// A column of a statement's results.
struct column {
  std::string name;
  std::uint32_t table = 0;      // object id; 0: computed
  std::uint16_t attribute = 0;  // number in that table
  std::uint32_t type = 0;       // object id
};

// What is known of texts; the owner's.
class text_facts {
 public:
  // Empty if they were never described.
  [[nodiscard]] virtual std::span<const column> columns(std::uint32_t text) const = 0;

 protected:
  ~text_facts() = default;
};

// A loop that was seen.
struct run {
  std::uint32_t text = 0;
  std::uint32_t source = 0;  // text whose result had the keys
  std::uint16_t column = 0;  // of that result, from 0
  std::uint8_t unit = 0;     // which value ran
  value_kind kind = value_kind::integer;
  std::uint32_t keys = 0;  // executions, the first included
  std::uint32_t route = 0;
  std::int64_t lost_us = 0;  // durations of all but the first
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
};

class run_sink {
 public:
  virtual void on_run(const run& r) = 0;
  // What began as a loop was none: `keys` values of a column, and then another that is not of it. Where keys
  // come at random, there are many of these for each run that looks like a loop.
  virtual void on_false_start(std::uint32_t text, std::uint32_t keys) noexcept = 0;

 protected:
  ~run_sink() = default;
};

struct n_plus_one_limits {
  std::uint32_t least = 5;  // executions that make a loop worth telling
  std::uint32_t window = 8;
  std::int64_t gap_us = 1'000'000;
  std::int64_t source_age_us = 10'000'000;
};

class session_tracker {
 public:
  // room: outlives it; null: it takes what it needs.
  session_tracker(const text_facts& facts, n_plus_one_limits limits, memory_room* room = nullptr)
      : facts_(facts), limits_(limits), room_(room), results_(room) {}

  // Of the loops under way, too.
  void set_limits(const n_plus_one_limits& limits) noexcept { limits_ = limits; }
  void execute(const execution& e, run_sink& sink);
  void done(std::uint32_t text, std::int64_t duration_us) noexcept;
  [[nodiscard]] result_store& results() noexcept { return results_; }
  // Tells the loops that had no execution for gap_us.
  void flush(std::int64_t now_us, run_sink& sink);
  // Tells all, and forgets everything: the session or request is over.
  void finish(run_sink& sink);
  // Its memory goes back, after finish().
  void release() noexcept;

 private:
  static constexpr std::size_t sets = 16;
  static constexpr std::size_t ways = 4;
  static constexpr std::size_t most_candidates = 3;

  // A column that the keys may come from.
  struct candidate {
    result_handle from;
    std::uint32_t source = 0;
    std::uint16_t column = 0;
    std::uint32_t keys = 0;     // found in it; 0: no candidate
    std::uint32_t segment = 0;  // of them in the result that `from` is
    std::uint32_t passed = 0;   // values of the column passed, keys included
    row_cursor at;              // the last key's row
    bool beyond = false;        // the rest of a result that was cut
    bool guessed = false;       // the last key was taken for one that is not kept
  };

  // One text's last execution, and the loop it is in.
  struct entry {
    std::uint32_t text = 0;
    std::uint32_t used = 0;
    std::uint8_t units = 0;
    std::uint8_t key_unit = 0;
    std::uint32_t rest = 0;
    std::uint32_t route = 0;
    std::uint32_t searched = 0;      // newest result at the last search
    bool again = false;              // that one was new: it is searched once more
    std::uint32_t misses = 0;        // searches in a row that found nothing
    std::uint32_t skipped = 0;       // changes not looked for since the last search
    std::uint32_t chain = 0;         // steps of +1 in a row, up to now
    std::uint32_t chain_before = 0;  // of them before the loop's first key
    std::uint32_t loop_keys = 0;     // 0: in no loop
    std::int64_t last_us = 0;        // when it was executed or done
    std::int64_t first_us = 0;
    std::int64_t lost_us = 0;
    value_key key;                         // of key_unit
    std::array<std::uint64_t, 4> asked{};  // keys of the loop, as a filter
    std::array<std::uint32_t, most_units> hashes{};
    std::array<candidate, most_candidates> candidates{};
  };

  using entry_set = std::array<entry, ways>;
  [[nodiscard]] static std::size_t set_index(std::uint32_t text) noexcept {
    static_assert(sets == 16);
    return (text * 0x9e3779b1U) >> 28;
  }
  // Null: no text of that set was seen.
  [[nodiscard]] entry_set* set_of(std::uint32_t text) const noexcept {
    return entries_[set_index(text)].get();
  }

  struct change {
    std::uint8_t places = 0;  // different pairs of old and new; 2 stands for more
    std::uint8_t unit = 0;
    bool may_be_key = false;
  };

  // Null: there is no room.
  [[nodiscard]] entry* entry_of(std::uint32_t text, bool& fresh, run_sink& sink);
  [[nodiscard]] static change compare(const entry& n, const execution& e) noexcept;
  static void store(entry& n, const execution& e) noexcept;
  void on_key(entry& n, const execution& e, const change& c, run_sink& sink);
  void begin_loop(entry& n, const execution& e, const change& c, bool counting);
  [[nodiscard]] bool worth_searching(entry& n) const noexcept;
  [[nodiscard]] bool go_on(entry& n, const value_key& key, bool same_key, std::int64_t now_us);
  [[nodiscard]] bool step(const entry& n, candidate& c, const value_key& key, bool same_key);
  [[nodiscard]] bool in_loop(std::uint32_t text) const noexcept;
  [[nodiscard]] bool next_result(candidate& c, const value_key& key) const;
  // How a loop ended.
  enum class loop_end : std::uint8_t {
    over,       // something else was done, or nothing
    other_key,  // a key came that is not the column's next
    counted,    // that key was one more than the last
  };
  void end_loop(entry& n, loop_end how, run_sink& sink);
  [[nodiscard]] bool is_counter(const entry& n, const candidate& c, bool counted_on) const noexcept;
  [[nodiscard]] const candidate* best(const entry& n) const;
  void search(result_handle h, std::uint32_t old_hash, const value_key& key, entry& n) const;
  static void offer(entry& n, const candidate& c) noexcept;
  [[nodiscard]] int name_score(const candidate& c) const;
  [[nodiscard]] value_view value_at(const result& r, const row_cursor& at,
                                    std::size_t column) const;

  const text_facts& facts_;
  n_plus_one_limits limits_;
  memory_room* room_;
  result_store results_;
  std::array<std::unique_ptr<entry_set>, sets> entries_;
  std::uint32_t looping_ = 0;  // entries in a loop
  std::uint32_t tick_ = 0;
};

}  // namespace fairing::advise
