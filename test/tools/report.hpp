// report: what the clients of one run count together, and the verdict at its end.
//
// Lifecycle: one a run; every client has a reference.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::torture {

// A connection that ended without the client wanting it, or a statement that a server's fault ended.
struct incident {
  std::int64_t at_us = 0;
  std::uint32_t client = 0;
  std::string sqlstate;  // of the error that said so; "": the connection just ended
  std::string text;
};

struct report {
  std::uint64_t statements = 0;  // answered
  std::uint64_t scripts = 0;
  std::uint64_t rows = 0;
  std::uint64_t connections = 0;    // logged in
  std::uint64_t cancels_sent = 0;   // with the right key
  std::uint64_t cancels_wrong = 0;  // with a wrong one
  std::uint64_t cancels_that_hit = 0;
  std::uint64_t late_cancels = 0;  // hit the same client's next statement
  std::uint64_t stalls = 0;        // times a client stopped to read for a while
  std::uint64_t closed_by_us = 0;  // connections that were closed in the midst of something
  std::uint64_t garbage_sent = 0;
  std::uint64_t wrong_rows = 0;                         // faults that are about a row
  std::uint64_t faults = 0;                             // all of them
  std::map<std::string, std::uint64_t> errors;          // by SQLSTATE, expected or not
  std::map<std::string, std::uint64_t> login_failures;  // by SQLSTATE, or by what happened
  std::map<std::string, std::uint64_t> kinds;           // scripts that ended, by kind
  std::vector<incident> lost;                           // connections
  std::vector<incident> refused;                        // statements

  // Something that must never be: counted, and printed to stderr while they are few.
  void fault(std::string_view what, bool about_a_row);
  [[nodiscard]] std::string json(std::uint64_t took_ms, std::uint64_t unexplained_lost,
                                 std::uint64_t loosely_explained,
                                 std::uint64_t unexplained_refused) const;
};

}  // namespace fairing::torture
