#include "jobs/store/postgres/schema.hpp"

#include <string>
#include <utility>

#include "jobs/logic/store.hpp"

namespace fairing::jobs::postgres {

namespace {

constexpr std::int64_t version = 1;

constexpr const char* tables = R"(
BEGIN;
CREATE SCHEMA IF NOT EXISTS fairing;
CREATE TABLE fairing.about (version integer NOT NULL);
CREATE TABLE fairing.queue (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  paused smallint NOT NULL DEFAULT 0,
  attributes bytea NOT NULL DEFAULT ''
);
CREATE TABLE fairing.job (
  id bigint PRIMARY KEY,
  rank bigint NOT NULL,
  due_ms bigint NOT NULL,
  secret bigint NOT NULL,
  bytes bigint NOT NULL,
  finished_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  failure bigint,
  queue integer NOT NULL,
  attempt integer NOT NULL,
  state smallint NOT NULL,
  priority smallint NOT NULL,
  due_clock smallint NOT NULL,
  parked smallint NOT NULL,
  holds smallint NOT NULL,
  result_status integer NOT NULL,
  key bytea,
  uniq bytea,
  trace bytea,
  spec bytea NOT NULL,
  history bytea,
  progress bytea,
  result_type bytea,
  result bytea,
  payload bytea
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_ready ON fairing.job (queue, rank, id) WHERE state = 0 AND parked = 0;
CREATE INDEX job_parked ON fairing.job (queue, key, id) WHERE state = 0 AND parked = 1;
CREATE INDEX job_holds ON fairing.job (queue, key) WHERE holds = 1;
CREATE INDEX job_due ON fairing.job (due_clock, due_ms) WHERE state = 1;
CREATE INDEX job_scheduled ON fairing.job (queue, id) WHERE state = 1;
CREATE INDEX job_leased ON fairing.job (due_ms) INCLUDE (queue) WHERE state = 2;
CREATE INDEX job_finished ON fairing.job (queue, state, finished_ms, id) INCLUDE (bytes)
  WHERE state >= 3;
CREATE INDEX job_failure ON fairing.job (failure, id) WHERE failure IS NOT NULL;
CREATE TABLE fairing.uniq (
  scope bytea NOT NULL,
  name bytea NOT NULL,
  job bigint NOT NULL,
  fingerprint bytea NOT NULL,
  expires_ms bigint NOT NULL,
  PRIMARY KEY (scope, name)
);
CREATE INDEX uniq_expires ON fairing.uniq (expires_ms) WHERE expires_ms > 0;
CREATE TABLE fairing.fact (name bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 50);
CREATE TABLE fairing.failure (
  id bigint PRIMARY KEY,
  queue integer NOT NULL,
  error bytea NOT NULL,
  count bigint NOT NULL,
  first_ms bigint NOT NULL,
  last_ms bigint NOT NULL,
  sample bigint NOT NULL
);
CREATE UNIQUE INDEX failure_error ON fairing.failure (queue, sha256(error));
CREATE TABLE fairing.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue text NOT NULL,
  payload json NOT NULL,
  key text,
  unique_name text,
  priority integer NOT NULL DEFAULT 0,
  run_at timestamptz,
  traceparent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  refused text
);
COMMENT ON TABLE fairing.outbox IS
  'INSERT INTO fairing.outbox (queue, payload) in your own transaction: a job once that has committed';
COMMENT ON COLUMN fairing.outbox.refused IS
  'Why the row became no job; correct it and set this to NULL, or delete the row';
CREATE INDEX outbox_waiting ON fairing.outbox (id) WHERE refused IS NULL;
CREATE FUNCTION fairing.outbox_told() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_notify('fairing_outbox', ''); RETURN NULL; END $$;
CREATE TRIGGER outbox_told AFTER INSERT OR UPDATE OF refused ON fairing.outbox
  FOR EACH STATEMENT EXECUTE FUNCTION fairing.outbox_told();
INSERT INTO fairing.about (version) VALUES (1);
COMMIT;
)";

// What came later; a program of the same version that does not know it keeps it up all the same. Asked for first: to be
// there already is worth a notice to PostgreSQL.
constexpr std::pair<const char*, const char*> additions[] = {
    {"fairing.job_ranked",
     "CREATE INDEX job_ranked ON fairing.job (queue, priority, rank) "
     "WHERE state = 0 AND parked = 0 AND priority <> 0"},
    {"fairing.job_damaged", "CREATE TABLE fairing.job_damaged (LIKE fairing.job)"},
};

result<void> add_later_ones(session& s) {
  for (const auto& [name, text] : additions) {
    const auto there = s.execute("SELECT to_regclass('" + std::string(name) + "')::text");
    if (!there) return std::unexpected(there.error());
    if (!there->is_null(0, 0)) continue;
    if (auto r = s.execute(text); !r) return std::unexpected(r.error());
  }
  return {};
}

}  // namespace

result<void> prepare_schema(session& s) {
  const auto there = s.execute("SELECT to_regclass('fairing.about')::text");
  if (!there) return std::unexpected(there.error());
  if (there->is_null(0, 0)) {
    if (auto r = s.execute(tables); !r) {
      (void)s.execute("ROLLBACK");
      return std::unexpected(r.error());
    }
    return add_later_ones(s);
  }
  const auto found = s.execute("SELECT version::text FROM fairing.about");
  if (!found) return std::unexpected(found.error());
  const auto number = found->size() == 1 ? std::string(found->bytes(0, 0)) : std::string();
  if (number.empty() || number.size() > 9)
    return fail(errc::store_failed,
                "schema fairing belongs to another program: name another database in jobs.store");
  if (std::stoll(number) > version)
    return fail(errc::store_failed,
                "the job store was written by a newer Fairing (its version is " + number +
                    ", this program knows up to " + std::to_string(version) +
                    "): install that one again");
  return add_later_ones(s);
}

}  // namespace fairing::jobs::postgres
