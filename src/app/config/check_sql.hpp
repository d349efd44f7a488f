// check_sql: what is wrong with an sql section whose every single value is right.
//
// Flow:  check_sql(c, places, errors, notes);   // as check(), of which it is a part; nothing without c.sql
// Who is let in is the heart of it: Fairing opens connections in a user's name, so it must know a secret of that user,
// or find that PostgreSQL asks for none. Pure.
#pragma once

#include "app/config/config.hpp"
#include "app/config/decode.hpp"
#include "app/config/diagnostic.hpp"

namespace fairing::config {

void check_sql(const config& c, const locations& places, diagnostics& errors, diagnostics& notes);

}  // namespace fairing::config
