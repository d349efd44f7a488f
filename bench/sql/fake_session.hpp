// fake_session: one connection of a PostgreSQL that knows a single row.
//
// Problem: with a real PostgreSQL behind it, a pooler's own cost is a tenth of what is measured. This
// server answers start-up (anyone may) and every statement at once, with answers built beforehand.
// Flow: session.feed(bytes, out): appends the answers to `out`; false: close the connection.
//   SELECT, SHOW, VALUES, WITH, TABLE and EXECUTE give one row of one int4, 1; everything else only
//   its command tag; BEGIN and its like move ReadyForQuery's status. A simple query is split at `;`
//   wherever one stands. ParameterDescription tells of no parameters.
// Lifecycle: one a connection. Threads: one. Cost: under half a microsecond a statement.
// Source: PostgreSQL 15 documentation, chapter 55.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bench/sql/messages.hpp"

namespace fairing::bench {

class fake_session {
 public:
  // `id`: the process id that BackendKeyData tells.
  explicit fake_session(std::uint32_t id) : id_(id) {}

  // Takes what was read, in any pieces. False: Terminate, a cancel request, or no protocol at all.
  [[nodiscard]] bool feed(std::string_view bytes, std::string& out);

 private:
  enum class effect : std::uint8_t {
    row,      // one row, then the tag SELECT 1
    command,  // the tag alone
    begin,    // a transaction begins
    end,      // a transaction ends
    nothing,  // an empty statement
  };
  struct statement {
    effect what = effect::row;
    std::string tag;
  };

  // Takes whole messages off the front; false: close.
  [[nodiscard]] bool take_all(std::string_view& bytes, std::string& out);
  [[nodiscard]] bool take_startup(std::string_view& bytes, std::string& out, bool& more);
  [[nodiscard]] bool answer(const wire_message& m, std::string& out);
  void describe(std::string_view body, std::string& out) const;
  void answer_query(std::string_view text, std::string& out);
  void run(const statement& s, bool describes, std::string& out);
  void ready(std::string& out) const;
  [[nodiscard]] static statement understand(std::string_view text);

  std::uint32_t id_;
  bool started_ = false;
  char status_ = 'I';
  std::string rest_;  // an incomplete message
  std::map<std::string, statement, std::less<>> statements_;
  statement bound_;  // of the last Bind, whatever the portal's name
};

}  // namespace fairing::bench
