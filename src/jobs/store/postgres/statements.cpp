#include "jobs/store/postgres/statements.hpp"

#include "jobs/logic/store.hpp"
#include "jobs/store/job_columns.hpp"
#include "jobs/store/postgres/job_row.hpp"

namespace fairing::jobs::postgres {

namespace {

// $1 is the job's id, then the columns of each part in the order of its bit.
statement_text save_text(unsigned parts) {
  std::string out = "UPDATE fairing.job SET ";
  std::string types = "n";
  const auto add = [&](part p, std::initializer_list<const char*> names, std::string_view letters) {
    if ((parts & +p) == 0) return;
    for (const auto* name : names) {
      out += (types.size() > 1 ? ", " : "") + std::string(name) + " = $" +
             std::to_string(types.size() + 1);
      types += letters[0];
      letters.remove_prefix(1);
    }
  };
  add(part::state,
      {"queue", "state", "rank", "priority", "due_clock", "due_ms", "attempt", "secret", "parked",
       "holds", "bytes", "finished_ms"},
      "nnnnnnnnnnnn");
  add(part::history, {"history"}, "b");
  add(part::progress, {"progress"}, "b");
  add(part::result, {"result", "result_type", "result_status"}, "bbn");
  add(part::payload, {"payload"}, "b");
  if (parts == 0) out += "id = id";
  return {out + " WHERE id = $1", types};
}

// The groups of errors are at most 10,000; further ones are counted as one. The job is found by its group from now on.
constexpr const char* count_failure_text =
    "WITH known AS (UPDATE fairing.failure SET count = count + 1, last_ms = $3, sample = $4 "
    "WHERE queue = $1 AND sha256(error) = sha256($2) RETURNING id), "
    "made AS (INSERT INTO fairing.failure (id, queue, error, count, first_ms, last_ms, sample) "
    "SELECT (SELECT coalesce(max(id), 0) + 1 FROM fairing.failure), $1, "
    "CASE WHEN (SELECT count(*) FROM fairing.failure) < 10000 THEN $2 "
    "ELSE '(other errors)'::bytea END, 1, $3, $3, $4 "
    "WHERE NOT EXISTS (SELECT 1 FROM known) ON CONFLICT (queue, sha256(error)) "
    "DO UPDATE SET count = failure.count + 1, last_ms = excluded.last_ms, "
    "sample = excluded.sample RETURNING id) "
    "UPDATE fairing.job SET failure = (SELECT id FROM known UNION ALL SELECT id FROM made) "
    "WHERE id = $4";

// Each from its own index: what counts() gives, a row a state; -1: parked.
constexpr const char* counts_text =
    "SELECT 0::int8, count(*), 0::int8 FROM fairing.job WHERE queue = $1 AND state = 0 AND "
    "parked = 0 UNION ALL "
    "SELECT -1, count(*), 0 FROM fairing.job WHERE queue = $1 AND state = 0 AND parked = 1 UNION "
    "ALL SELECT 1, count(*), 0 FROM fairing.job WHERE queue = $1 AND state = 1 UNION ALL "
    "SELECT 2, count(*), 0 FROM fairing.job WHERE queue = $1 AND state = 2 UNION ALL "
    "SELECT state::int8, count(*), sum(bytes)::int8 FROM fairing.job WHERE queue = $1 AND "
    "state >= 3 GROUP BY state";

// Rows that somebody else holds are left for the next look: nobody waits here for an application's transaction.
constexpr const char* outbox_text =
    "SELECT id, queue, least(octet_length(payload::text), 2147483647)::int8, "
    "CASE WHEN octet_length(payload::text) <= $2 THEN payload::text ELSE '' END, "
    "coalesce(key, ''), coalesce(unique_name, ''), priority::int8, "
    "CASE WHEN run_at IS NULL THEN NULL WHEN isfinite(run_at) "
    "THEN (extract(epoch FROM run_at) * 1000)::int8 ELSE -1 END, coalesce(traceparent, '') "
    "FROM fairing.outbox WHERE refused IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";

// In the order of `sql`.
std::vector<statement_text> of_queues() {
  return {
      {"SELECT number::int8, name, paused::int8, attributes FROM fairing.queue ORDER BY number",
       ""},
      {"INSERT INTO fairing.queue (name) VALUES ($1) RETURNING number::int8", "t"},
      {"SELECT number::int8 FROM fairing.queue WHERE name = $1", "t"},
      {"UPDATE fairing.queue SET paused = $2, attributes = $3 WHERE number = $1", "nnb"},
      {"DELETE FROM fairing.job WHERE queue = $1", "n"},
      {"DELETE FROM fairing.uniq WHERE scope IN ($1, $2)", "bb"},
      {"DELETE FROM fairing.failure WHERE queue = $1", "n"},
      {"DELETE FROM fairing.queue WHERE number = $1", "n"},
      {"SELECT max(id) FROM fairing.job WHERE queue = $1", "n"},
      {counts_text, "n"},
  };
}

std::vector<statement_text> of_jobs() {
  const std::string from = " FROM fairing.job WHERE ";
  const std::string whole = "SELECT " + columns(true) + from;
  return {
      {"INSERT INTO fairing.job (" + job_columns(true) +
           ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,"
           "$22,$23,$24)",
       "nnnnnnnnnnnnnnbbbbbbbnbb"},
      {"SELECT " + columns(false) + from + "id = $1", "n"},
      {whole + "id = $1", "n"},
      {"DELETE FROM fairing.job WHERE id = $1", "n"},
      {"WITH gone AS (DELETE FROM fairing.job WHERE id = $1 RETURNING *) "
       "INSERT INTO fairing.job_damaged SELECT * FROM gone",
       "n"},
      {"SELECT " + columns(true) +
           " FROM (SELECT *, sum(bytes) OVER (ORDER BY rank, id ROWS UNBOUNDED PRECEDING) - bytes "
           "AS ahead" +
           from +
           "queue = $1 AND state = 0 AND parked = 0 ORDER BY rank, id LIMIT $2) next "
           "WHERE ahead < $3 ORDER BY rank, id",
       "nnn"},
      {"SELECT priority::int8, rank" + from +
           "queue = $1 AND priority > $2 AND priority <> 0 AND state = 0 AND parked = 0 "
           "ORDER BY priority, rank LIMIT 1",
       "nn"},
      {"SELECT rank, priority::int8" + from +
           "queue = $1 AND rank >= $2 AND state = 0 AND parked = 0 ORDER BY rank LIMIT $3",
       "nnn"},
      {"SELECT id" + from +
           "queue = $1 AND rank <= $2 AND state = 0 AND parked = 0 ORDER BY rank, id LIMIT $3",
       "nnn"},
      {"SELECT count(*)" + from + "queue = $1 AND key = $2 AND holds = 1", "nb"},
      {"SELECT id" + from +
           "queue = $1 AND key = $2 AND state = 0 AND parked = 1 ORDER BY id "
           "LIMIT 1",
       "nb"},
      {"SELECT id" + from + "queue = $1 AND state = 0 AND parked = 1 ORDER BY key, id LIMIT $2",
       "nn"},
      {"SELECT key, id" + from +
           "queue = $1 AND key > $2 AND state = 0 AND parked = 1 "
           "ORDER BY key, id LIMIT 1",
       "nb"},
      {"SELECT id" + from +
           "due_clock = $1 AND due_ms <= $2 AND state = 1 ORDER BY due_ms LIMIT $3",
       "nnn"},
      {"SELECT id" + from + "due_ms <= $1 AND state = 2 ORDER BY due_ms LIMIT $2", "nn"},
      {"SELECT due_ms" + from + "due_clock = $1 AND state = 1 ORDER BY due_ms LIMIT 1", "n"},
      {"SELECT due_ms" + from + "state = 2 ORDER BY due_ms LIMIT 1", ""},
      {"SELECT finished_ms, id, bytes" + from +
           "queue = $1 AND state = $2 AND state >= 3 AND (finished_ms, id) > ($3, $4) AND "
           "finished_ms < $5 ORDER BY finished_ms, id LIMIT $6",
       "nnnnnn"},
      {"SELECT finished_ms" + from +
           "queue = $1 AND state = $2 AND state >= 3 ORDER BY finished_ms DESC LIMIT 1",
       "nn"},
      {"SELECT id, spec" + from +
           "queue = $1 AND id <= $2 AND state = 0 AND parked = 0 ORDER BY rank, id "
           "LIMIT $3",
       "nnn"},
      {"SELECT id, spec" + from + "queue = $1 AND id <= $2 AND state = 0 AND parked = 1 LIMIT $3",
       "nnn"},
      {"SELECT id, spec" + from + "queue = $1 AND id <= $2 AND state = 1 LIMIT $3", "nnn"},
  };
}

// Names, facts, the outbox.
std::vector<statement_text> of_the_rest() {
  return {
      {count_failure_text, "nbnn"},
      {"DELETE FROM fairing.failure WHERE queue = $1 AND last_ms < $2", "nn"},
      {"SELECT max(id) FROM fairing.job", ""},
      {"SELECT job, fingerprint, expires_ms FROM fairing.uniq WHERE scope = $1 AND name = $2",
       "bb"},
      {"INSERT INTO fairing.uniq (scope, name, job, fingerprint, expires_ms) "
       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, name) DO UPDATE SET job = excluded.job, "
       "fingerprint = excluded.fingerprint, expires_ms = excluded.expires_ms",
       "bbnbn"},
      {"DELETE FROM fairing.uniq WHERE scope = $1 AND name = $2", "bb"},
      {"DELETE FROM fairing.uniq WHERE (scope, name) IN (SELECT scope, name FROM fairing.uniq "
       "WHERE expires_ms > 0 AND expires_ms < $1 LIMIT $2)",
       "nn"},
      {"SELECT value FROM fairing.fact WHERE name = $1", "b"},
      {"SELECT name, value FROM fairing.fact WHERE name >= $1 AND name < $2", "bb"},
      {"INSERT INTO fairing.fact (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
       "value = excluded.value",
       "bb"},
      {"DELETE FROM fairing.fact WHERE name = $1", "b"},
      {outbox_text, "nn"},
      {"DELETE FROM fairing.outbox WHERE id = $1", "n"},
      {"UPDATE fairing.outbox SET refused = $2 WHERE id = $1", "nt"},
  };
}

}  // namespace

std::vector<statement_text> statement_texts() {
  auto out = of_queues();
  for (auto& s : of_jobs()) out.push_back(std::move(s));
  for (auto& s : of_the_rest()) out.push_back(std::move(s));
  for (unsigned parts = 0; parts < save_count; ++parts) out.push_back(save_text(parts));
  return out;
}

}  // namespace fairing::jobs::postgres
