#include "jobs/store/sqlite/schema.hpp"

#include <string>

#include "jobs/logic/store.hpp"

namespace fairing::jobs::sqlite {

namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t application = 0x4661694a;  // "FaiJ"

constexpr const char* tables = R"(
CREATE TABLE queue (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  paused INTEGER NOT NULL DEFAULT 0,
  attributes TEXT NOT NULL DEFAULT ''
);
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  due_clock INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  secret INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  holds INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  failure INTEGER,
  key TEXT,
  uniq TEXT,
  trace TEXT,
  spec BLOB NOT NULL,
  history BLOB,
  progress TEXT,
  result_type TEXT,
  result_status INTEGER,
  result BLOB,
  payload BLOB
);
CREATE TABLE job_payload (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE job_result (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE INDEX job_ready ON job (queue, rank) WHERE state = 0 AND parked = 0;
CREATE INDEX job_parked ON job (queue, key) WHERE state = 0 AND parked = 1;
CREATE INDEX job_holds ON job (queue, key) WHERE holds = 1;
CREATE INDEX job_due ON job (due_clock, due_ms) WHERE state = 1;
CREATE INDEX job_scheduled ON job (queue) WHERE state = 1;
CREATE INDEX job_leased ON job (due_ms, queue) WHERE state = 2;
CREATE INDEX job_finished ON job (queue, state, finished_ms, id, bytes) WHERE state >= 3;
CREATE INDEX job_failure ON job (failure) WHERE failure IS NOT NULL;
CREATE TABLE uniq (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  job INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE INDEX uniq_expires ON uniq (expires_ms) WHERE expires_ms > 0;
CREATE TABLE fact (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE failure (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  error TEXT NOT NULL,
  count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  UNIQUE (queue, error)
);
)";

// What came later; a program of the same version that does not know it keeps it up all the same.
constexpr const char* additions = R"(
CREATE INDEX IF NOT EXISTS job_ranked ON job (queue, priority, rank)
  WHERE state = 0 AND parked = 0 AND priority <> 0;
CREATE TABLE IF NOT EXISTS job_damaged AS SELECT * FROM job WHERE 0;
)";

}  // namespace

result<void> prepare_schema(database& db) {
  const auto app = db.number("PRAGMA application_id");
  if (!app) return std::unexpected(app.error());
  const auto found = db.number("PRAGMA user_version");
  if (!found) return std::unexpected(found.error());
  const auto count = db.number("SELECT count(*) FROM sqlite_schema");
  if (!count) return std::unexpected(count.error());
  if (*count == 0)
    if (auto r = db.execute("BEGIN IMMEDIATE;" + std::string(tables) +
                            "PRAGMA application_id = " + std::to_string(application) +
                            "; PRAGMA user_version = " + std::to_string(version) + "; COMMIT;");
        !r)
      return r;
  if (*count != 0 && *app != application)
    return fail(errc::store_failed,
                "this SQLite file belongs to another program: name another file in jobs.store");
  if (*found > version)
    return fail(errc::store_failed,
                "the job store was written by a newer Fairing (its version is " +
                    std::to_string(*found) + ", this program knows up to " +
                    std::to_string(version) + "): install that one again");
  return db.execute(additions);
}

}  // namespace fairing::jobs::sqlite
