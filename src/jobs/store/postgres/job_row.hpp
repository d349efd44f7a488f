// job_row: a job as the columns of table fairing.job, in one order for every statement that reads or writes one.
//
// Flow:  "SELECT " + columns(with_bodies) + " FROM fairing.job WHERE id = $1"  ->  read_job(rows, row, with_bodies)
// Threads: any.
#pragma once

#include <string>

#include "jobs/logic/job.hpp"
#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

// As read_job() expects them, from column 0 on: numbers as int8. With payload and result or without.
[[nodiscard]] std::string columns(bool with_bodies);
// The names alone, for an INSERT, in the same order.
[[nodiscard]] std::string plain_columns(bool with_bodies);
inline constexpr int column_count = 24;
// errc::fenced: the row is damaged.
result<job> read_job(const rows& r, int row, bool with_bodies);

}  // namespace fairing::jobs::postgres
