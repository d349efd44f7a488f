// schema: schema `fairing` in the application's database: its tables, its version, who may use it.
//
// Problem: the database belongs to the application; what Fairing keeps there stands apart, is made when it is first used,
// and is read by no program that is too old for it.
//
// Flow, on a session that has the lock of the plane:  if (auto r = prepare_schema(s); !r) the store cannot be opened
// Texts of clients are bytea: they may hold what no text of PostgreSQL may, and sort by their bytes. Indexes are partial
// ones, so that a job is in the index of its state only. Long bodies are TOAST's business.
#pragma once

#include "base/result.hpp"
#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

inline constexpr const char* outbox_channel = "fairing_outbox";

// Makes the tables, or checks their version.
result<void> prepare_schema(session& s);

}  // namespace fairing::jobs::postgres
