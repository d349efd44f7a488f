// session: one connection to PostgreSQL over libpq, in pipeline mode, for a thread that may wait.
//
// Problem: a batch of jobs is hundreds of statements, and a round trip for each would cost more than the work. What only
// writes is sent and not waited for; whoever reads waits for that answer, and so for all before it. Every wait has a
// deadline, so that a server that is gone or frozen ends as an error and not as a thread that hangs.
//
// Flow:  auto s = session::open(url, "fairing jobs");  s->execute("CREATE TABLE ...");  s->prepare(texts);
//        s->begin();  s->send(which, params().add(1).add("x"));  auto r = s->ask(which, ...);  s->commit();  | s->rollback()
// Failure: the first error of a batch is kept, and all further calls of the batch answer it; rollback() begins anew. A lost
// connection (errc::fenced) stays lost. commit() whose answer did not come is errc::unknown_outcome.
// Values: numbers are int8, everything else is bytes, both ways in binary; text columns take and give UTF-8.
// Bounds: 128 statements without an answer, then they are waited for; 30 s for an answer, 5 s to connect.
// Threads: one at a time. Source: PostgreSQL 15, libpq, "Pipeline Mode".
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct pg_conn;
struct pg_result;

namespace fairing::jobs::postgres {

// Parameters of one statement, from $1 on. Texts must live until the statement was sent.
class params {
 public:
  params& add(std::int64_t n) noexcept;
  params& add(std::string_view bytes) noexcept;
  params& add_null() noexcept;
  params& add_or_null(std::string_view bytes) noexcept {  // empty: NULL
    return bytes.empty() ? add_null() : add(bytes);
  }
  static constexpr std::size_t most = 26;

 private:
  friend class session;
  std::array<std::uint64_t, most> numbers_{};  // big-endian
  std::array<const char*, most> values_{};     // nullptr, of numbers too: see session
  std::array<int, most> lengths_{};
  std::array<bool, most> is_number_{};
  int count_ = 0;
};

class rows {
 public:
  explicit rows(pg_result* r) noexcept : result_(r) {}
  [[nodiscard]] int size() const noexcept;
  [[nodiscard]] std::int64_t number(int row, int column) const noexcept;
  [[nodiscard]] std::string_view bytes(int row, int column) const noexcept;
  [[nodiscard]] bool is_null(int row, int column) const noexcept;
  [[nodiscard]] std::uint64_t changed() const noexcept;  // rows that the statement touched

 private:
  struct clear {
    void operator()(pg_result* r) const noexcept;
  };
  std::unique_ptr<pg_result, clear> result_;
};

struct statement_text {
  std::string sql;
  std::string types;  // a letter a parameter: n int8, b bytea, t text
};

class session {
 public:
  // errc::fenced: nobody answers there (yet). errc::store_failed: the server says no.
  static result<session> open(const std::string& url, const std::string& name);
  session(session&&) noexcept = default;
  session& operator=(session&&) noexcept = default;

  // Before prepare() only.
  result<rows> execute(
      const std::string& sql);  // any statements without parameters; the last one's rows
  // The statements that send() and ask() name by their place. From here on in pipeline mode.
  result<void> prepare(std::span<const statement_text> texts);

  result<void> begin();
  // `one_row`: it is a fault of the batch if the statement changes no row.
  result<void> send(std::size_t which, const params& p, bool one_row = false);
  result<rows> ask(std::size_t which, const params& p);
  result<void> commit();
  void rollback() noexcept;
  [[nodiscard]] bool is_lost() const noexcept { return lost_; }

  // For the thread that listens: waits for a notification; false: none in time. errc::fenced.
  result<bool> wait_for_notice(int timeout_ms);

 private:
  struct finish {
    void operator()(pg_conn* c) const noexcept;
  };
  struct sent {
    bool one_row = false;
  };
  explicit session(pg_conn* c) noexcept : connection_(c) {}
  std::unexpected<error> lose(std::string_view why);
  std::unexpected<error> keep(error e);  // the batch's first fault
  result<void> push(std::size_t which, const params& p);
  result<void> flush();
  // False: the deadline is over or the connection is gone.
  [[nodiscard]] bool wait(short events, std::int64_t until_ms) const noexcept;
  result<pg_result*> next_result();       // nullptr: the end of one statement's results
  result<rows> answer(const sent& what);  // of the oldest statement that has none yet
  result<void> settle();                  // the answers of all
  result<void> sync();                    // and the end of the pipeline's section

  std::unique_ptr<pg_conn, finish> connection_;
  std::deque<sent> open_;
  std::optional<error> fault_;
  bool in_batch_ = false;
  bool lost_ = false;
};

}  // namespace fairing::jobs::postgres
