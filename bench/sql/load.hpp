// load: a closed loop of statements over many PostgreSQL sessions, from one thread.
//
// Problem: pgbench costs more CPU than a pooler and saturates first. This one makes one send and one
// recv a statement, looks at message boundaries in place, and counts.
// Flow: sql_load l(options); l.open(why) logs all clients in; l.run() starts them at the same instant
//   and has each send its next statement when the last one's ReadyForQuery is there; l.report().
//   hold() instead of run(): the clients stay idle until stdin ends or the time is over.
// Lifecycle: one run; the sockets close with the object. Threads: one.
// Cost: about 1 us of user time a statement.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lg/histogram.hpp"
#include "bench/sql/session.hpp"
#include "bench/sql/statement_source.hpp"

namespace fairing::bench {

struct sql_load_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5432;
  account who;
  std::vector<std::string> databases{"bench"};  // client i uses the i-th, round and round
  statement_plan plan;
  std::size_t clients = 32;
  double seconds = 2;
};

struct sql_load_report {
  std::uint64_t queries = 0;  // answered by ReadyForQuery
  std::uint64_t errors = 0;   // ErrorResponses, and statements whose connection was lost
  std::uint64_t wrong = 0;    // answers that had not exactly one row, or left a transaction open
  std::uint64_t bytes = 0;    // received
  double seconds = 0;
  histogram latency;
  std::string first_error;  // the text of the first error
};

class sql_load {
 public:
  explicit sql_load(const sql_load_options& options);
  ~sql_load();
  sql_load(const sql_load&) = delete;
  sql_load& operator=(const sql_load&) = delete;

  // Connects, logs in and prepares every client, one after another. False with `why` on failure.
  [[nodiscard]] bool open(std::string& why);
  void run();
  [[nodiscard]] const sql_load_report& report() const noexcept { return report_; }

  // Has every client make one statement; false with `why` if one fails.
  [[nodiscard]] bool use_each_once(std::string& why);
  // How many of the sessions the server has closed.
  [[nodiscard]] std::size_t closed() const;

 private:
  struct client {
    int fd = -1;
    std::uint64_t sent_ns = 0;
    std::uint32_t rows = 0;  // of the statement in flight
    bool failed = false;     // it was answered by an error
    std::string rest;        // an incomplete message
    std::string out;         // what the kernel did not take
  };

  void issue(client& c, std::uint64_t now);
  void on_readable(client& c);
  void take(client& c, std::string_view bytes, std::uint64_t now);
  void finish_one(client& c, char status, std::uint64_t now);
  void note_error(std::string text);
  void lose(client& c, std::string why);

  sql_load_options options_;
  statement_source source_;
  sql_load_report report_;
  std::deque<client> clients_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t end_ns_ = 0;
  std::size_t open_ = 0;
  int epoll_ = -1;
};

}  // namespace fairing::bench
