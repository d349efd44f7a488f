#include "jobs/store/sqlite/job_row.hpp"

#include "jobs/logic/store.hpp"
#include "jobs/store/job_columns.hpp"

namespace fairing::jobs::sqlite {
namespace {

struct row {
  const statement& s;
  [[nodiscard]] std::int64_t number(int column) const { return s.number(column); }
  [[nodiscard]] std::string_view bytes(int column) const { return s.text(column); }
};

}  // namespace

result<job> read_job(const statement& s, bool with_bodies, far_bodies& far) {
  auto j = job_of(row{s}, with_bodies);
  if (!j)
    return fail(errc::store_failed,
                "the job store (SQLite): the row of job " + id_text(from_sql(s.number(0))) +
                    " is damaged: check the disk, and restore the file from a copy");
  if (with_bodies)
    far = {.payload = s.is_null(column_of_payload), .result = s.is_null(column_of_result)};
  return std::move(*j);
}

damaged_row read_damaged(const statement& s) { return damaged_of(row{s}); }

}  // namespace fairing::jobs::sqlite
