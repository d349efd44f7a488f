// job_row: a row of table job, as job_columns has it.
//
// Flow:  db.prepare("SELECT " + job_columns(with_bodies) + " FROM job WHERE id = ?1");   read_job(s, with_bodies)
// Threads: any; a statement is one thread's.
#pragma once

#include "jobs/logic/job.hpp"
#include "jobs/store/job_columns.hpp"
#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

// errc::store_failed: the row is damaged. Bodies in side tables are left empty: `far` says which.
struct far_bodies {
  bool payload = false;
  bool result = false;
};
result<job> read_job(const statement& s, bool with_bodies, far_bodies& far);
[[nodiscard]] damaged_row read_damaged(const statement& s);

}  // namespace fairing::jobs::sqlite
