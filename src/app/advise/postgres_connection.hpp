// postgres_connection: a blocking connection to PostgreSQL for advice, read only and in a hurry to end.
//
// Flow:  auto c = postgres_connection::open("postgres://..");   // error: not reachable, a bad URL, a pooler
//        auto rows = c->query("SELECT ..", {"argument"});
//        rows->text(0, 1)
//
// Behind a transaction pooler (Fairing's sql.listen, the application's own DATABASE_URL) each statement may run on
// another server: prepared statements, settings and hypothetical indexes would be elsewhere, or stay with others. So it
// is refused, before anything is set: PostgreSQL's key for cancelling has the process that serves, and who stands between
// gives a key of his own. Then a second connection is opened, and both are asked in turn which process serves them: one
// that serves both, or another than before, is a pooler's. Who relays whole sessions is no hindrance.
//
// The session is read only, with a time limit a statement and a lock wait of half a second. It waits for
// its socket no longer than the bounds allow, so a server that says nothing holds nobody up.
// Lifecycle: closed by its destructor. Threads: one; blocks. `stop` of the bounds may be set by another.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct pg_conn;
struct pg_result;

namespace fairing::app::advise {

enum class errc {
  bad_url = 1,  // cannot be read as a connection string
  unreachable,  // no connection, or the login is refused
  refused,      // the server refuses a statement
  too_old,      // a version this does not know
  pooled,       // statements of one connection may run on several servers
};
[[nodiscard]] std::error_code make_error_code(errc e) noexcept;

class postgres_rows {
 public:
  explicit postgres_rows(pg_result* r);
  [[nodiscard]] int size() const noexcept;
  // A column that the server left out is as NULL.
  [[nodiscard]] std::string text(int row, int column) const;  // NULL is empty
  [[nodiscard]] double number(int row, int column) const;     // NULL is 0
  [[nodiscard]] bool yes(int row, int column) const;          // t

 private:
  [[nodiscard]] const char* cell(int row, int column) const noexcept;

  struct clear {
    void operator()(pg_result* r) const noexcept;
  };
  std::unique_ptr<pg_result, clear> result_;
};

// How long a connection may be used.
struct connection_bounds {
  // From then on nothing is asked any more.
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
  const std::atomic<bool>* stop = nullptr;  // true: as if `end` were over
  const char* name = "fairing advise";      // as application_name, if the URL gives none
  [[nodiscard]] bool over() const noexcept;
};

class postgres_connection {
 public:
  [[nodiscard]] static result<postgres_connection> open(const std::string& url,
                                                        const connection_bounds& bounds = {});

  [[nodiscard]] result<postgres_rows> query(const std::string& sql,
                                            const std::vector<std::string>& arguments = {});
  // The number of its parameters. Any one of that name is replaced.
  [[nodiscard]] result<int> prepare(const char* name, const std::string& sql);
  [[nodiscard]] int version() const noexcept;      // 150018
  [[nodiscard]] std::string version_text() const;  // 15.18
  [[nodiscard]] std::string where() const;         // host:port/database, no password

 private:
  struct finish {
    void operator()(pg_conn* c) const noexcept;
  };
  // Without the manners.
  [[nodiscard]] static result<postgres_connection> connect(const std::string& url,
                                                           const connection_bounds& bounds);
  [[nodiscard]] result<void> own_session(const std::string& url);
  [[nodiscard]] result<int> process();
  postgres_connection(pg_conn* c, const connection_bounds& b) : connection_(c), bounds_(b) {}
  [[nodiscard]] std::unexpected<error> refused(pg_result* r) const;
  [[nodiscard]] bool wait_for(short events, std::chrono::steady_clock::time_point end) const;
  [[nodiscard]] bool log_in();
  [[nodiscard]] result<pg_result*> answer();

  std::unique_ptr<pg_conn, finish> connection_;
  connection_bounds bounds_;
  bool silent_ = false;  // an answer did not come: no statement can follow
};

}  // namespace fairing::app::advise

template <>
struct std::is_error_code_enum<fairing::app::advise::errc> : std::true_type {};
