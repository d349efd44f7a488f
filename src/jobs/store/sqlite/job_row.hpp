// job_row: a job as the columns of table job, in one order for every statement that reads or writes one.
//
// Flow:  db.prepare("SELECT " + columns(with_bodies) + " FROM job WHERE id = ?1");   read_job(s, with_bodies)
// Threads: any; a statement is one thread's.
#pragma once

#include <string>

#include "jobs/logic/job.hpp"
#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

// The columns that read_job() expects, from column 0 on; with payload and result or without.
[[nodiscard]] std::string columns(bool with_bodies);
// errc::fenced: the row is damaged. Bodies in side tables are left empty: `far` says which.
struct far_bodies {
  bool payload = false;
  bool result = false;
};
result<job> read_job(const statement& s, bool with_bodies, far_bodies& far);

}  // namespace fairing::jobs::sqlite
