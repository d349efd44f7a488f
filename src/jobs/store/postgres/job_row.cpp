#include "jobs/store/postgres/job_row.hpp"

#include "jobs/logic/store.hpp"
#include "jobs/store/job_columns.hpp"

namespace fairing::jobs::postgres {
namespace {

struct one_row {
  const rows& all;
  int at;
  [[nodiscard]] std::int64_t number(int column) const { return all.number(at, column); }
  [[nodiscard]] std::string_view bytes(int column) const { return all.bytes(at, column); }
};

}  // namespace

std::string columns(bool with_bodies) {
  std::string out =
      "id, queue::int8, state::int8, rank, priority::int8, due_clock::int8, due_ms, "
      "attempt::int8, secret, parked::int8, holds::int8, bytes, finished_ms, created_ms, key, "
      "uniq, trace, spec, history, progress, result_type, result_status::int8";
  if (with_bodies) out += ", result, payload";
  return out;
}

result<job> read_job(const rows& r, int row, bool with_bodies) {
  auto j = job_of(one_row{r, row}, with_bodies);
  if (!j)
    return fail(errc::store_failed, "the job store (PostgreSQL): the row of job " +
                                        id_text(from_sql(r.number(row, 0))) +
                                        " in fairing.job is damaged: restore it from a copy");
  return std::move(*j);
}

damaged_row read_damaged(const rows& r, int row) { return damaged_of(one_row{r, row}); }

}  // namespace fairing::jobs::postgres
