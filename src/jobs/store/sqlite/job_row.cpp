#include "jobs/store/sqlite/job_row.hpp"

#include "jobs/logic/packed.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs::sqlite {

std::string columns(bool with_bodies) {
  std::string out =
      "id, queue, state, rank, priority, due_clock, due_ms, attempt, secret, parked, holds, bytes, "
      "finished_ms, created_ms, key, uniq, trace, spec, history, progress, result_type, "
      "result_status";
  if (with_bodies) out += ", result, payload";
  return out;
}

result<job> read_job(const statement& s, bool with_bodies, far_bodies& far) {
  job j;
  j.id = from_sql(s.number(0));
  j.queue = static_cast<std::uint32_t>(s.number(1));
  const auto state = s.number(2);
  j.rank = s.number(3);
  j.priority = static_cast<std::int16_t>(s.number(4));
  j.due_clock = s.number(5) == 0 ? clock_kind::steady : clock_kind::wall;
  j.due_ms = s.number(6);
  j.attempt = static_cast<std::uint32_t>(s.number(7));
  j.secret = static_cast<std::uint64_t>(s.number(8));
  j.parked = s.number(9) != 0;
  j.holds_key = s.number(10) != 0;
  j.bytes = static_cast<std::uint64_t>(s.number(11));
  j.finished_ms = s.number(12);
  j.created_ms = s.number(13);
  j.key = s.text(14);
  j.unique = s.text(15);
  j.trace = s.text(16);
  const bool fits = state >= 0 && state < static_cast<std::int64_t>(job_state_count) &&
                    unpack_spec(s.text(17), j) && unpack_history(s.text(18), j);
  if (!fits)
    return fail(errc::fenced, "the job store (SQLite): the row of job " + id_text(j.id) +
                                  " is damaged: check the disk, and restore the file from a copy");
  j.state = static_cast<job_state>(state);
  j.progress = s.text(19);
  j.result_type = s.text(20);
  j.result_status = static_cast<std::uint16_t>(s.number(21));
  if (with_bodies) {
    far = {.payload = s.is_null(23), .result = s.is_null(22)};
    j.result = s.text(22);
    j.payload = s.text(23);
  }
  return j;
}

}  // namespace fairing::jobs::sqlite
