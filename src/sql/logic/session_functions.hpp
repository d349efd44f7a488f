// session_functions: which functions of a database change the session that calls them, and the tables and views by which
// they are called.
//
// Problem: `SELECT app.set_tenant('a')` looks like a read. What its body does (set_config, a temporary table, a session's
// advisory lock) stays on the server for whoever comes next, unless the pool knows that it has to ask. PostgreSQL has the
// sources of functions: it is asked once which of them, or of those that they call, may change a session.
//
// Flow:
//   if (f.missing() || f.due(now)) { f.asking(now); send f.question(); each row: answer.add(..); }
//   if (f.tell(std::move(answer))) effects of texts are to be found anew
//   calls = f.called_by(text, analyzer);   // nullopt: nothing of the kind
// What is not seen: calls by operators and casts, in functions of extensions and of C, and what a function puts together
// from pieces without the words that are looked for. Names are compared in lower case and without their schema: a call of
// another function of the same name is only asked about in vain.
// Bounds: `most` rows; with more nothing is known. Threads: the pool's home core.
// Cost: of a text that is not remembered, one more look at its tokens where the database has such functions. The question
// takes PostgreSQL some milliseconds, a second for thousands of functions; while nothing was changed there, one or two.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "codec/sql_lexer/analyzer.hpp"

namespace fairing::sql {

// Rows of the question, as they come.
struct functions_answer {
  std::string version;                                     // of what it was found in
  std::vector<std::pair<std::string, std::string>> found;  // kind and name; a setting with a dot

  void add(std::string_view node, std::string_view setting);
};

class session_functions {
 public:
  // Nothing is asked before that.
  void enable() noexcept { on_ = true; }
  // It was never asked: before anybody's statement.
  [[nodiscard]] bool missing() const noexcept { return on_ && !asked_; }
  [[nodiscard]] bool due(mono_time now) const noexcept { return on_ && now >= next_; }
  void asking(mono_time now) noexcept;
  // Of what was asked at asking().
  [[nodiscard]] bool asked_within(milliseconds time, mono_time now) const noexcept;
  [[nodiscard]] std::string question() const;
  // True: the names are others than before.
  [[nodiscard]] bool tell(functions_answer a);
  // Nobody knows; what was known stays, and it is not asked again soon.
  void failed(std::string_view why, mono_time now);
  // Something may have changed: to be asked soon.
  void expire() noexcept { next_ = mono_time::min(); }
  // Another database, perhaps.
  void forget() noexcept;
  // Why it is not known, once; "": nothing new.
  [[nodiscard]] std::string take_fault() noexcept { return std::exchange(fault_, {}); }

  // The settings with a dot that it may make, of a text that calls one, or uses a table or view that does; nullopt: none.
  [[nodiscard]] std::optional<std::vector<std::string>> called_by(
      std::string_view text, const codec::sql_lexer::analyzer& a) const;
  [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }

 private:
  using settings_of = std::vector<std::string>;
  // A letter, and a name in lower case. f: called; w: written to; r: read.
  using nodes = boost::unordered_flat_map<std::string, settings_of>;
  void add_calls(std::string_view text, std::optional<settings_of>& out) const;
  void add_tables(std::string_view text, const codec::sql_lexer::relation_scanner& r,
                  std::optional<settings_of>& out) const;
  [[nodiscard]] bool add(char kind, std::string_view name, std::optional<settings_of>& out) const;

  static constexpr std::size_t most = 4096;
  nodes known_;
  std::string version_;
  std::string fault_;
  mono_time next_ = mono_time::min();
  bool on_ = false;
  bool asked_ = false;
};

// A statement of DDL, of the kind that may change what functions there are, or who calls them.
[[nodiscard]] bool changes_functions(std::string_view text);

}  // namespace fairing::sql
