// effects: what a statement may do to the session that runs it, as far as its tokens tell.
//
// Problem: in transaction pooling the session belongs to everybody: whatever a statement leaves behind must follow its
// client to the next server, or hold the client to this one. Most statements leave nothing, and that must be known
// without a look at their text each time.
//
// Flow:  const effects& e = cache.of(text);   if (e.leaves_state) ask the server before it is given back ...
// Threads: one core's. Cost: a hash and a compare of the text where it was seen before; where only its plain literals are
// new, the same of its outline; else one pass of the lexer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sql_lexer/analyzer.hpp"
#include "codec/sql_lexer/outline.hpp"
#include "pool/pool_types.hpp"
#include "sql/logic/custom_settings.hpp"
#include "sql/logic/session_functions.hpp"
#include "sql/logic/text_ids.hpp"

namespace fairing::sql {

struct effects {
  // Settings, temporary tables, held cursors, advisory locks, LISTEN may have changed: ask the server.
  bool leaves_state = false;
  bool ddl = false;                // plans of prepared statements may be out of date
  bool reads_sequences = false;    // currval, lastval: another client's must not be seen
  bool touches_sequences = false;  // may change what those say
  bool makes_sequences = false;    // INSERT, nextval: what they say is likely to be asked next
  bool opens_link = false;         // a connection of dblink, which stays open
  bool names_statements =
      false;  // PREPARE, EXECUTE, DEALLOCATE, DISCARD ALL: its text needs a look each time
  bool drops_statements = false;   // DEALLOCATE ALL, DISCARD ALL
  bool resets_name = false;        // RESET application_name, alone
  bool resets_all = false;         // RESET ALL, alone
  bool sets_local = false;         // of this transaction alone, what tells texts' meaning
  bool resets = false;             // RESET of anything, DISCARD ALL
  bool unlisted = false;           // settings that nobody lists may have been made
  bool sets_by_parameter = false;  // a value of its Bind names a setting
  bool sets_unknown = false;       // a setting whose name is not known
  // One statement, a SELECT, INSERT, UPDATE or DELETE that leaves nothing behind: sent in no transaction it ends in none.
  bool whole = false;
  // And it only reads: to run it once more than it was asked for changes nothing, and is nothing to wait for.
  bool reads = false;
  bool changes_functions = false;         // what session_functions has found may be out of date
  std::uint32_t generation = 0;           // of effects_cache: when it was found out
  std::optional<pool::pin_reason> pin;    // it will probably have to stay on its server
  text_ids ids;                           // for statistics
  std::shared_ptr<const set_names> sets;  // null: no names
};

// What tells the meaning of a text when it is prepared: of names, of literals, of operators.
[[nodiscard]] bool tells_meaning(std::string_view setting) noexcept;

// `statement` has looked at `text`.
[[nodiscard]] effects effects_of(std::string_view text, const codec::sql_lexer::analyzer& statement,
                                 codec::sql_lexer::lexer_options read = {});
// Of a text with a backslash in a session where that escapes (standard_conforming_strings is off). Looked at each time, and
// believed to do more than it does rather than less.
[[nodiscard]] effects effects_with_escapes(std::string_view text);
// Of a text that cannot be looked at.
[[nodiscard]] effects effects_unknown() noexcept;

// A text that is looked at, and its outline.
struct text_view {
  std::string_view text;
  std::uint64_t outline = 0;                                     // hash; 0: none that is remembered
  std::span<const codec::sql_lexer::outline::literal> literals;  // of the outline
  std::string_view database = {};                                // where it is to run
};

// Who gives texts their ids.
class text_names {
 public:
  // A text that is not remembered, with all parts of it analysed.
  [[nodiscard]] virtual text_ids on_text(const text_view& t, const codec::sql_lexer::analyzer&) = 0;
  // One whose outline is remembered, with the ids it was given.
  virtual void on_known(const text_view& t, text_ids ids) = 0;

 protected:
  ~text_names() = default;
};

// Remembers texts, and of plain statements their outlines. Direct-mapped and bounded: 2,048 texts of at most 2 KiB and
// 512 outlines.
class effects_cache {
 public:
  explicit effects_cache(std::uint64_t seed);
  // Null: no ids. It outlives this. `database`: of the texts.
  void name_by(text_names* names, std::string database = {}) {
    names_ = names;
    database_ = std::move(database);
  }
  // Null: what functions do is not known. It outlives this.
  void know(const session_functions* f) noexcept { functions_ = f; }
  // It knows others now: what was found out before, and is remembered elsewhere, is of an earlier generation.
  void forget();
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }
  // The reference holds until the next call.
  [[nodiscard]] const effects& of(std::string_view text);

 private:
  static constexpr std::size_t text_entries = 2048;
  static constexpr std::size_t outline_entries = 512;
  static constexpr std::size_t longest = codec::sql_lexer::outline::most_bytes;
  struct entry {
    std::string text;
    effects value;
  };
  // The hashes by themselves, so that what is not there costs no look at the rest.
  class table {
   public:
    explicit table(std::size_t size) : hashes_(size), entries_(size) {}
    // Null: not there.
    [[nodiscard]] const effects* find(std::uint64_t hash, std::string_view text) const noexcept {
      const auto at = hash % hashes_.size();
      return hashes_[at] == hash && entries_[at].text == text ? &entries_[at].value : nullptr;
    }
    const effects& keep(std::uint64_t hash, std::string_view text, const effects& e);
    void clear();

   private:
    std::vector<std::uint64_t> hashes_;
    std::vector<entry> entries_;
  };
  // Nothing that is said of the analysed text depends on the values of the outline's literals.
  [[nodiscard]] bool outline_tells_all() const noexcept;
  void add_functions(effects& e, std::string_view text) const;

  std::uint64_t seed_;
  table texts_;
  table outlines_;
  codec::sql_lexer::analyzer analyzer_;
  codec::sql_lexer::outline outline_;
  effects last_;
  text_names* names_ = nullptr;
  std::string database_;
  const session_functions* functions_ = nullptr;
  std::uint32_t generation_ = 0;
};

}  // namespace fairing::sql
