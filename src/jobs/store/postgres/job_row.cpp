#include "jobs/store/postgres/job_row.hpp"

#include "jobs/logic/packed.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs::postgres {

std::string plain_columns(bool with_bodies) {
  std::string out =
      "id, queue, state, rank, priority, due_clock, due_ms, attempt, secret, parked, holds, bytes, "
      "finished_ms, created_ms, key, uniq, trace, spec, history, progress, result_type, "
      "result_status";
  if (with_bodies) out += ", result, payload";
  return out;
}

std::string columns(bool with_bodies) {
  std::string out =
      "id, queue::int8, state::int8, rank, priority::int8, due_clock::int8, due_ms, "
      "attempt::int8, secret, parked::int8, holds::int8, bytes, finished_ms, created_ms, key, "
      "uniq, trace, spec, history, progress, result_type, result_status::int8";
  if (with_bodies) out += ", result, payload";
  return out;
}

result<job> read_job(const rows& r, int row, bool with_bodies) {
  const auto number = [&](int column) { return r.number(row, column); };
  const auto text = [&](int column) { return std::string(r.bytes(row, column)); };
  job j;
  j.id = from_sql(number(0));
  j.queue = static_cast<std::uint32_t>(number(1));
  const auto state = number(2);
  j.rank = number(3);
  j.priority = static_cast<std::int16_t>(number(4));
  j.due_clock = number(5) == 0 ? clock_kind::steady : clock_kind::wall;
  j.due_ms = number(6);
  j.attempt = static_cast<std::uint32_t>(number(7));
  j.secret = static_cast<std::uint64_t>(number(8));
  j.parked = number(9) != 0;
  j.holds_key = number(10) != 0;
  j.bytes = static_cast<std::uint64_t>(number(11));
  j.finished_ms = number(12);
  j.created_ms = number(13);
  j.key = text(14);
  j.unique = text(15);
  j.trace = text(16);
  const bool fits = state >= 0 && state < static_cast<std::int64_t>(job_state_count) &&
                    unpack_spec(r.bytes(row, 17), j) && unpack_history(r.bytes(row, 18), j);
  if (!fits)
    return fail(errc::fenced, "the job store (PostgreSQL): the row of job " + id_text(j.id) +
                                  " in fairing.job is damaged: restore it from a copy");
  j.state = static_cast<job_state>(state);
  j.progress = text(19);
  j.result_type = text(20);
  j.result_status = static_cast<std::uint16_t>(number(21));
  if (with_bodies) {
    j.result = text(22);
    j.payload = text(23);
  }
  return j;
}

}  // namespace fairing::jobs::postgres
