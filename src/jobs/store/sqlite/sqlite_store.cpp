// Opening, batches, upkeep; queues, names and facts.
#include "jobs/store/sqlite/sqlite_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/clock.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/store/sqlite/schema.hpp"
#include "jobs/store/sqlite/settled_log.hpp"

namespace fairing::jobs {

namespace sqlite {

namespace {

constexpr std::string_view erased_fact = "erased up to";
constexpr std::uint32_t vacuum_every = 256;  // calls of upkeep()
constexpr std::uint64_t vacuum_from_pages = 4'096;
constexpr std::uint64_t page_bytes = 4'096;
constexpr std::int64_t look_every_us = 100'000;

std::string pragmas(sqlite_sync sync) {
  const char* level = sync == sqlite_sync::full     ? "FULL"
                      : sync == sqlite_sync::normal ? "NORMAL"
                                                    : "OFF";
  return std::string(
             "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
             "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
             "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536;"
             "PRAGMA temp_store = MEMORY; PRAGMA synchronous = ") +
         level + ";";
}

}  // namespace

sqlite_store::sqlite_store(sqlite_options o, file_lock lock, database db) noexcept
    : options_(std::move(o)), lock_(std::move(lock)), db_(std::move(db)) {}

sqlite_store::~sqlite_store() { rollback(); }

result<void> sqlite_store::start(const mapped_file& file) {
  if (auto r = db_.execute(pragmas(options_.sync)); !r) return r;
  if (auto r = prepare_schema(db_); !r) return r;
  read_ahead(db_, file);
  const auto texts = statement_texts();
  for (std::size_t i = 0; i < sql_count; ++i) {
    auto s = db_.prepare(texts[i]);
    if (!s) return std::unexpected(s.error());
    statements_[i] = std::move(*s);
  }
  const auto bodies =
      db_.number("SELECT EXISTS (SELECT 1 FROM job_payload) OR EXISTS (SELECT 1 FROM job_result)");
  if (!bodies) return std::unexpected(bodies.error());
  has_bodies_ = *bodies != 0;
  const auto found = fact(erased_fact);
  if (!found) return std::unexpected(found.error());
  if (const auto& erased = found.value(); erased) erased_up_to_ = id_from(*erased).value_or(0);
  checkpoints_ = std::make_unique<checkpointer>(options_.path);
  sqlite3_wal_hook(
      db_.raw(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<checkpointer*>(self)->log_is(pages);
        return SQLITE_OK;
      },
      checkpoints_.get());
  return {};
}

statement& sqlite_store::use(sql which) noexcept {
  return statements_[static_cast<std::size_t>(which)];
}

std::unexpected<error> sqlite_store::failed(const error& e) noexcept {
  if (e.code == errc::fenced) fenced_ = true;
  return std::unexpected(e);
}

result<void> sqlite_store::check() const {
  if (fenced_) return fail(errc::fenced);
  return {};
}

// Whoever removes or replaces the file takes what is written from then on along: no job is accepted for that.
result<void> sqlite_store::check_file() {
  const auto now = precise_us();
  if (now - looked_us_ < look_every_us) return {};
  looked_us_ = now;
  int moved = 0;
  const int code = sqlite3_file_control(db_.raw(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (code != SQLITE_OK || moved == 0) return {};
  return failed({make_error_code(errc::fenced),
                 "the job store (SQLite): " + options_.path +
                     " was removed or replaced while it was in use: put it back, or start Fairing "
                     "anew to begin with what is there"});
}

result<void> sqlite_store::begin() {
  if (auto r = check(); !r) return r;
  if (auto r = check_file(); !r) return r;
  if (auto r = use(sql::begin).run(); !r) return failed(r.error());
  in_batch_ = true;
  return {};
}

// No room is the one failure after which the store goes on: nothing of the batch was made durable, and rollback() takes
// it back. After any other nobody knows what is on the disk.
result<void> sqlite_store::commit() {
  if (auto r = check(); !r) return r;
  if (auto r = use(sql::commit).run(); !r) {
    if (r.error().code == errc::full) return r;
    fenced_ = true;
    return fail(errc::unknown_outcome,
                r.error().detail +
                    ": whether this was done is not known; look it up, or send it "
                    "again with the same Idempotency-Key");
  }
  in_batch_ = false;
  return {};
}

void sqlite_store::rollback() noexcept {
  if (!in_batch_) return;
  in_batch_ = false;
  damaged_.clear();
  if (sqlite3_get_autocommit(db_.raw()) != 0) return;  // SQLite did it itself
  if (auto r = use(sql::rollback).run(); !r) fenced_ = true;
  const auto found = fact(erased_fact);
  if (!found) return;
  if (const auto& erased = found.value(); erased) erased_up_to_ = id_from(*erased).value_or(0);
}

// ---- queues

result<std::vector<queue_row>> sqlite_store::queues() {
  auto s = db_.prepare("SELECT number, name, paused, attributes FROM queue ORDER BY number");
  if (!s) return failed(s.error());
  std::vector<queue_row> out;
  while (true) {
    const auto row = s->step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    out.push_back({static_cast<std::uint32_t>(s->number(0)), std::string(s->text(1)),
                   s->number(2) != 0, std::string(s->text(3))});
  }
}

result<std::uint32_t> sqlite_store::add_queue(std::string_view name) {
  for (const auto which : {sql::find_queue, sql::add_queue}) {
    auto& s = use(which);
    s.bind(1, name);
    const auto row = s.step();
    if (!row) return failed(row.error());
    const auto number = *row ? s.number(0) : 0;
    s.reset();
    if (*row) return static_cast<std::uint32_t>(number);
  }
  return fail(errc::store_failed, "the job store (SQLite): a queue got no number");
}

result<void> sqlite_store::save_queue(const queue_row& q) {
  auto& s = use(sql::save_queue);
  s.bind(1, q.number).bind(2, q.paused ? 1 : 0).bind(3, q.attributes);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

result<void> sqlite_store::drop_queue(std::uint32_t number) {
  const auto n = std::to_string(number);
  auto ids = db_.prepare(
      "SELECT id FROM job WHERE queue = ?1 AND state = 0 AND parked = 0 UNION ALL "
      "SELECT id FROM job WHERE queue = ?1 AND state = 0 AND parked = 1 UNION ALL "
      "SELECT id FROM job WHERE queue = ?1 AND state = 1 UNION ALL "
      "SELECT id FROM job WHERE queue = ?1 AND state = 2 UNION ALL "
      "SELECT id FROM job WHERE queue = ?1 AND state >= 3");
  if (!ids) return failed(ids.error());
  ids->bind(1, number);
  const auto all = ids_of(*ids);
  if (!all) return std::unexpected(all.error());
  if (auto r = erase(*all); !r) return r;
  if (auto r = db_.execute("DELETE FROM uniq WHERE scope IN ('q:" + n + "', 'u:" + n +
                           "'); DELETE FROM failure WHERE queue = " + n +
                           "; DELETE FROM queue WHERE number = " + n);
      !r)
    return failed(r.error());
  return {};
}

// ---- names

result<std::optional<unique_row>> sqlite_store::find_unique(std::string_view scope,
                                                            std::string_view name) {
  auto& s = use(sql::find_unique);
  s.bind(1, scope).bind(2, name);
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  unique_row out{from_sql(s.number(0)), std::string(s.text(1)), s.number(2)};
  s.reset();
  return out;
}

result<void> sqlite_store::put_unique(std::string_view scope, std::string_view name,
                                      const unique_row& u) {
  auto& s = use(sql::put_unique);
  s.bind(1, scope)
      .bind(2, name)
      .bind(3, to_sql(u.job))
      .bind(4, u.fingerprint)
      .bind(5, u.expires_ms);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

result<void> sqlite_store::drop_unique(std::string_view scope, std::string_view name) {
  auto& s = use(sql::drop_unique);
  s.bind(1, scope).bind(2, name);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

result<std::uint64_t> sqlite_store::drop_uniques_before(std::int64_t wall_ms, std::size_t most) {
  auto& s = use(sql::drop_uniques);
  s.bind(1, wall_ms).bind(2, static_cast<std::int64_t>(most));
  if (auto r = s.run(); !r) return failed(r.error());
  return static_cast<std::uint64_t>(db_.changes());
}

// ---- facts

result<std::optional<std::string>> sqlite_store::fact(std::string_view name) {
  auto& s = use(sql::fact);
  s.bind(1, name);
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  std::string out(s.text(0));
  s.reset();
  return out;
}

result<std::vector<std::pair<std::string, std::string>>> sqlite_store::facts(
    std::string_view prefix) {
  auto s = db_.prepare("SELECT name, value FROM fact WHERE name >= ?1 AND name < ?2");
  if (!s) return failed(s.error());
  std::string end(prefix);
  ++end.back();
  s->bind(1, prefix).bind(2, end);
  std::vector<std::pair<std::string, std::string>> out;
  while (true) {
    const auto row = s->step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    out.emplace_back(s->text(0), s->text(1));
  }
}

result<void> sqlite_store::set_fact(std::string_view name, std::string_view value) {
  auto& s = use(sql::set_fact);
  s.bind(1, name).bind(2, value);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

result<void> sqlite_store::drop_fact(std::string_view name) {
  auto& s = use(sql::drop_fact);
  s.bind(1, name);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

// ---- room and upkeep

std::uint64_t sqlite_store::used_bytes() noexcept {
  std::uint64_t bytes = 0;
  for (const auto* suffix : {"", "-wal"}) {
    struct stat found{};
    if (::stat((options_.path + suffix).c_str(), &found) == 0)
      bytes += static_cast<std::uint64_t>(found.st_size);
  }
  return bytes;
}

std::uint64_t sqlite_store::disk_free() const noexcept {
  struct statvfs disk{};
  if (::statvfs(options_.path.c_str(), &disk) != 0) return 0;
  return std::max<std::uint64_t>(1, disk.f_bavail * disk.f_frsize);  // 0 means: not known
}

std::uint64_t sqlite_store::unused_pages() noexcept {
  const auto n = db_.number("PRAGMA freelist_count");
  return n && *n > 0 ? static_cast<std::uint64_t>(*n) : 0;
}

// Pages of the file that nothing is in are room as well: what is put next goes there.
std::uint64_t sqlite_store::free_bytes() noexcept {
  const auto on_disk = disk_free();
  if (on_disk == 0) return 0;
  const auto unused = unused_pages();
  cramped_ = on_disk < keep_free_ && unused > vacuum_from_pages;
  return on_disk + unused * page_bytes;
}

void sqlite_store::upkeep() noexcept {
  if (fenced_ || in_batch_) return;
  if (checkpoints_->should_finish())
    (void)sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                    nullptr);
  if (cramped_) cramped_ = disk_free() < keep_free_;
  if (++vacuums_ % vacuum_every != 0 && !cramped_) return;
  if (unused_pages() <= vacuum_from_pages) {
    cramped_ = false;
    return;
  }
  // One that fails costs room only, and the next comes.
  const auto done =
      db_.execute(cramped_ ? "PRAGMA incremental_vacuum(512)" : "PRAGMA incremental_vacuum(64)");
  if (!done) {
    vacuums_ = 0;
    cramped_ = false;  // until somebody asks for room again
  }
}

}  // namespace sqlite

result<std::unique_ptr<store>> open_sqlite(const sqlite_options& o) {
  auto lock = sqlite::file_lock::take(o.path + "-lock");
  if (!lock) return std::unexpected(lock.error());
  // Made here, so that nobody else may read it from its first byte on; SQLite gives its other files the same mode.
  const int fd = ::open(o.path.c_str(), O_RDWR | O_CLOEXEC | (o.create ? O_CREAT : 0), 0600);
  if (fd < 0 && errno == ENOENT && !o.create)
    return fail(errc::fenced, o.path +
                                  ": the file is gone that was in use: put it back, or start "
                                  "Fairing anew to begin with an empty one");
  if (fd < 0)
    return fail(errc::store_failed, o.path + ": " + std::generic_category().message(errno) +
                                        ": name a file that this user may write in jobs.store");
  const auto file = sqlite::mapped_file::of(fd);
  ::close(fd);
  if (o.sync == sqlite_sync::full)
    if (auto r = sqlite::settle_log(o.path); !r) return std::unexpected(r.error());
  auto db = sqlite::database::open(o.path, sqlite::database::mode::writes);
  if (!db) return std::unexpected(db.error());
  auto s = std::make_unique<sqlite::sqlite_store>(o, std::move(*lock), std::move(*db));
  if (auto r = s->start(file); !r) {
    auto e = r.error();
    e.detail = o.path + ": " + e.message();
    return std::unexpected(e);
  }
  return s;
}

}  // namespace fairing::jobs
