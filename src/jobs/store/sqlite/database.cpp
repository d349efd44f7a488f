#include "jobs/store/sqlite/database.hpp"

#include <sqlite3.h>

#include <cerrno>

#include "jobs/logic/store.hpp"

namespace fairing::jobs::sqlite {

error error_of(int code, std::string_view what, int cause) {
  std::string detail = "the job store (SQLite): ";
  detail += what;
  // To SQLite only ENOSPC is a lack of room; a quota and a limit of the file's size are one as well.
  const bool no_more = cause == EDQUOT || cause == EFBIG;
  if (code == SQLITE_IOERR_WRITE && no_more) code = SQLITE_FULL;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {errc::full, detail + ": free some disk space"};
    // What is on the disk is not what was written: only a new start with its recovery says what is.
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
      return {errc::fenced, detail + " (" + sqlite3_errstr(code) +
                                "): nothing is written until the store has been opened again"};
    case SQLITE_NOTADB:
      return {errc::fenced, detail +
                                ", or not as a whole any more: name another file in jobs.store, "
                                "or put a backup in its place"};
    default:
      return {errc::store_failed, std::move(detail)};
  }
}

namespace {

// The errno of a write that failed, of the log or else of the file; 0: none is known.
int cause_of(sqlite3* db, int code) {
  if (code != SQLITE_IOERR_WRITE) return 0;
  int cause = 0;
  sqlite3_file* log = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr)
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &cause);
  if (cause == 0) sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &cause);
  return cause;
}

error last_error(sqlite3* db) {
  const int code = sqlite3_extended_errcode(db);
  return error_of(code, sqlite3_errmsg(db), cause_of(db, code));
}

}  // namespace

statement::~statement() { sqlite3_finalize(s_); }

statement& statement::bind(int at, std::int64_t value) noexcept {
  sqlite3_bind_int64(s_, at, value);
  return *this;
}
statement& statement::bind(int at, std::string_view text) noexcept {
  sqlite3_bind_text(s_, at, text.data() != nullptr ? text.data() : "",
                    static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}
statement& statement::bind_blob(int at, std::string_view bytes) noexcept {
  sqlite3_bind_blob(s_, at, bytes.data() != nullptr ? bytes.data() : "",
                    static_cast<int>(bytes.size()), SQLITE_STATIC);
  return *this;
}
statement& statement::bind_null(int at) noexcept {
  sqlite3_bind_null(s_, at);
  return *this;
}

result<bool> statement::step() {
  const int code = sqlite3_step(s_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(s_);
    return false;
  }
  auto e = last_error(sqlite3_db_handle(s_));
  sqlite3_reset(s_);
  return std::unexpected(std::move(e));
}

result<void> statement::run() {
  while (true) {
    const auto row = step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
  }
}

void statement::reset() noexcept { sqlite3_reset(s_); }

std::int64_t statement::number(int column) const noexcept {
  return sqlite3_column_int64(s_, column);
}
std::string_view statement::text(int column) const noexcept {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(s_, column));
  return bytes == nullptr
             ? std::string_view{}
             : std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(s_, column)));
}
bool statement::is_null(int column) const noexcept {
  return sqlite3_column_type(s_, column) == SQLITE_NULL;
}

void database::closer::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

result<database> database::open(const std::string& path, mode m) {
  // Before SQLite is used for the first time: its count of bytes in use, which nobody reads, takes a lock at every
  // allocation.
  static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(
      uncounted);  // refused where somebody else has used SQLite before: slower, no more
  sqlite3* raw = nullptr;
  const int flags = m == mode::writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database db(raw);
  if (code != SQLITE_OK)
    return std::unexpected(
        error_of(code, path + ": " + (raw != nullptr ? sqlite3_errmsg(raw) : "no memory")));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 2'000);
  return db;
}

result<statement> database::prepare(std::string_view sql) {
  sqlite3_stmt* s = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &s, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error_of(code, sqlite3_errmsg(db_.get())));
  return statement(s);
}

result<void> database::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return std::unexpected(last_error(db_.get()));
}

result<std::int64_t> database::number(std::string_view sql) {
  auto s = prepare(sql);
  if (!s) return std::unexpected(s.error());
  const auto row = s->step();
  if (!row) return std::unexpected(row.error());
  return *row ? s->number(0) : 0;
}

std::int64_t database::changes() const noexcept { return sqlite3_changes64(db_.get()); }

}  // namespace fairing::jobs::sqlite
