// server_error: why a server could not be opened, or what it said of its own accord.
//
// Problem: a client is shown PostgreSQL's own words where there are some; and who can mend it depends on what it is.
//
// Flow:  if (e.known()) e.append_fatal(out);
// Threads: values.
#pragma once

#include <string>
#include <string_view>

#include "codec/pgwire/sqlstate.hpp"

namespace fairing::sql {

namespace pgwire = codec::pgwire;

// An error of PostgreSQL, or of ours on the way to it, as a client is shown it.
struct server_error {
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  [[nodiscard]] bool known() const noexcept { return !message.empty(); }
  // PostgreSQL's answer to this user, database or parameter; others are of the moment.
  [[nodiscard]] bool is_of_the_names() const noexcept;
  // To this user, or its password.
  [[nodiscard]] bool is_of_the_user() const noexcept { return sqlstate.starts_with("28"); }
  // Too many clients already, or what is left is kept for others.
  [[nodiscard]] bool postgres_is_full() const noexcept {
    return sqlstate == pgwire::code(pgwire::sqlstate::too_many_connections);
  }
  void append_fatal(std::string& out) const;
  [[nodiscard]] std::string text() const;  // MESSAGE (SQLSTATE); empty: there is none
  // Of a server that could not be opened, for who is to learn no more.
  [[nodiscard]] std::string_view kind() const noexcept;
};

}  // namespace fairing::sql
