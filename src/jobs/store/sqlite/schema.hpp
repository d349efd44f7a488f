// schema: the tables of the SQLite store, and which versions of them this program can read.
//
// Problem: a store outlives programs. A newer one must be able to change old tables, an older one must refuse new ones
// rather than misread them.
//
// Flow:  if (auto r = prepare_schema(db); !r) the store cannot be opened, and r says why
// Indexes: partial ones, so that a job is in the one of its state only; each look-up of the store has its own.
// Bodies over 1 KiB live in side tables: a change of state writes the row anew, and should write little.
#pragma once

#include "base/result.hpp"
#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

inline constexpr std::size_t longest_inline = 1'024;  // bytes of a payload or result in its row

// Makes the tables, or checks their version (PRAGMA user_version; application_id says that it is ours).
result<void> prepare_schema(database& db);

}  // namespace fairing::jobs::sqlite
