#include "jobs/store/sqlite/statements.hpp"

#include "jobs/logic/store.hpp"
#include "jobs/store/job_columns.hpp"
#include "jobs/store/sqlite/job_row.hpp"

namespace fairing::jobs::sqlite {

std::array<std::string, sql_count> statement_texts() {
  return {
      "BEGIN IMMEDIATE",
      "COMMIT",
      "ROLLBACK",
      "INSERT INTO queue (name) VALUES (?1) RETURNING number",
      "SELECT number FROM queue WHERE name = ?1",
      "UPDATE queue SET paused = ?2, attributes = ?3 WHERE number = ?1",
      "INSERT INTO job (" + job_columns(true) +
          ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,"
          "?22,?23,?24)",
      "SELECT " + job_columns(false) + " FROM job WHERE id = ?1",
      "SELECT " + job_columns(true) + " FROM job WHERE id = ?1",
      "DELETE FROM job WHERE id = ?1",
      "DELETE FROM job_payload WHERE id = ?1",
      "DELETE FROM job_result WHERE id = ?1",
      "SELECT " + job_columns(true) +
          " FROM job WHERE queue = ?1 AND state = 0 AND parked = 0 ORDER BY rank, id LIMIT ?2",
      "SELECT priority, rank FROM job WHERE queue = ?1 AND priority > ?2 AND priority <> 0 AND "
      "state = 0 AND parked = 0 ORDER BY priority, rank LIMIT 1",
      "SELECT rank, priority FROM job WHERE queue = ?1 AND rank >= ?2 AND state = 0 AND parked = 0 "
      "ORDER BY rank LIMIT ?3",
      "SELECT id FROM job WHERE queue = ?1 AND rank <= ?2 AND state = 0 AND parked = 0 "
      "ORDER BY rank LIMIT ?3",
      "SELECT count(*) FROM job WHERE queue = ?1 AND key = ?2 AND holds = 1",
      "SELECT id FROM job WHERE queue = ?1 AND key = ?2 AND state = 0 AND parked = 1 "
      "ORDER BY id LIMIT 1",
      "SELECT id FROM job WHERE queue = ?1 AND state = 0 AND parked = 1 ORDER BY key, id LIMIT ?2",
      "SELECT key, id FROM job WHERE queue = ?1 AND key > ?2 AND state = 0 AND parked = 1 "
      "ORDER BY key, id LIMIT 1",
      "SELECT id FROM job WHERE due_clock = ?1 AND due_ms <= ?2 AND state = 1 "
      "ORDER BY due_ms LIMIT ?3",
      "SELECT id FROM job WHERE due_ms <= ?1 AND state = 2 ORDER BY due_ms LIMIT ?2",
      "SELECT due_ms FROM job WHERE due_clock = ?1 AND state = 1 ORDER BY due_ms LIMIT 1",
      "SELECT due_ms FROM job WHERE state = 2 ORDER BY due_ms LIMIT 1",
      "SELECT finished_ms, id, bytes FROM job WHERE queue = ?1 AND state = ?2 AND state >= 3 AND "
      "(finished_ms, id) > (?3, ?4) AND finished_ms < ?5 ORDER BY finished_ms, id LIMIT ?6",
      "SELECT finished_ms FROM job WHERE queue = ?1 AND state = ?2 AND state >= 3 "
      "ORDER BY finished_ms DESC LIMIT 1",
      "SELECT id, spec FROM job WHERE queue = ?1 AND id <= ?2 AND state = 0 AND parked = 0 "
      "ORDER BY rank LIMIT ?3",
      "SELECT id, spec FROM job WHERE queue = ?1 AND id <= ?2 AND state = 0 AND parked = 1 LIMIT "
      "?3",
      "SELECT id, spec FROM job WHERE queue = ?1 AND id <= ?2 AND state = 1 LIMIT ?3",
      "UPDATE failure SET count = count + 1, last_ms = ?3, sample = ?4 "
      "WHERE queue = ?1 AND error = ?2 RETURNING id",
      "INSERT INTO failure (queue, error, count, first_ms, last_ms, sample) "
      "VALUES (?1, ?2, 1, ?3, ?3, ?4) ON CONFLICT (queue, error) DO UPDATE SET "
      "count = count + 1, last_ms = excluded.last_ms, sample = excluded.sample RETURNING id",
      "SELECT count(*) FROM failure",
      "UPDATE job SET failure = ?2 WHERE id = ?1",
      "DELETE FROM failure WHERE queue = ?1 AND last_ms < ?2",
      "SELECT job, fingerprint, expires_ms FROM uniq WHERE scope = ?1 AND name = ?2",
      "INSERT OR REPLACE INTO uniq (scope, name, job, fingerprint, expires_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5)",
      "DELETE FROM uniq WHERE scope = ?1 AND name = ?2",
      "DELETE FROM uniq WHERE (scope, name) IN (SELECT scope, name FROM uniq "
      "WHERE expires_ms > 0 AND expires_ms < ?1 LIMIT ?2)",
      "SELECT value FROM fact WHERE name = ?1",
      "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
      "DELETE FROM fact WHERE name = ?1",
      "SELECT body FROM job_payload WHERE id = ?1",
      "SELECT body FROM job_result WHERE id = ?1",
      "INSERT OR REPLACE INTO job_payload (id, body) VALUES (?1, ?2)",
      "INSERT OR REPLACE INTO job_result (id, body) VALUES (?1, ?2)",
  };
}

std::string save_text(unsigned parts) {
  std::string out = "UPDATE job SET ";
  int next = 2;
  const auto add = [&](part p, std::initializer_list<const char*> names) {
    if ((parts & +p) == 0) return;
    for (const auto* name : names)
      out += (next > 2 ? ", " : "") + std::string(name) + " = ?" + std::to_string(next), ++next;
  };
  add(part::state, {"queue", "state", "rank", "priority", "due_clock", "due_ms", "attempt",
                    "secret", "parked", "holds", "bytes", "finished_ms"});
  add(part::history, {"history"});
  add(part::progress, {"progress"});
  add(part::result, {"result", "result_type", "result_status"});
  add(part::payload, {"payload"});
  return out + " WHERE id = ?1";
}

}  // namespace fairing::jobs::sqlite
