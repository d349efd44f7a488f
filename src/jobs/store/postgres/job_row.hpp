// job_row: a row of table fairing.job, as job_columns has it.
//
// Flow:  "SELECT " + columns(with_bodies) + " FROM fairing.job WHERE id = $1"  ->  read_job(rows, row, with_bodies)
// Threads: any.
#pragma once

#include <string>

#include "jobs/logic/job.hpp"
#include "jobs/logic/store.hpp"
#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

// job_columns, numbers as int8: what libpq gives as text or in binary is then one type.
[[nodiscard]] std::string columns(bool with_bodies);
// errc::store_failed: the row is damaged.
result<job> read_job(const rows& r, int row, bool with_bodies);
[[nodiscard]] damaged_row read_damaged(const rows& r, int row);

}  // namespace fairing::jobs::postgres
