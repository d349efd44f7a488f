// load: producers and workers of the jobs API over many connections, from one thread.
//
// Problem: what a job costs from its put to its acknowledgement needs a client that reads leases and acknowledges them,
//   and that is not what the server waits for.
// Flow: jobs_load l(options); l.open(why); l.run(); l.report().
//   A producer puts `batch` jobs, waits for the answer, and puts again, while at most `ahead` jobs are put and not yet
//   acknowledged. A fetcher leases up to `most` jobs (it waits for them: no polling), and again once fewer than that
//   lie here; a worker takes one of them, acknowledges it at once (a no-op job) and waits for the answer.
//   park() instead of run(): every fetcher asks once and gets no job; lost() says how many were answered or closed.
// It ends when the time is over (what is leased then is still acknowledged, uncounted), or when so many jobs are put (`puts`) or acknowledged (`acks`).
// Lifecycle: one run; the sockets close with the object. Threads: one. Cost: about 2 us of user time a request.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/jobs/requests.hpp"
#include "bench/lg/histogram.hpp"
#include "bench/lg/response_reader.hpp"

namespace fairing::bench {

struct jobs_load_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9324;
  put_plan put;
  std::size_t producers = 0;  // connections
  std::size_t fetchers = 0;   // connections
  std::size_t workers = 0;    // connections
  std::size_t most = 10;      // jobs a lease
  unsigned wait_s = 30;       // how long a lease waits
  std::uint64_t ahead = 0;    // 0: any number
  std::uint64_t puts = 0;     // jobs, a multiple of the batch; 0: any number
  std::uint64_t acks = 0;     // 0: any number
  double seconds = 2;
};

struct jobs_load_report {
  std::uint64_t puts = 0;    // jobs whose put was answered by 201
  std::uint64_t leases = 0;  // answers to leases that had jobs
  std::uint64_t acks = 0;    // answered by 200
  std::uint64_t errors = 0;  // other answers, and connections that were lost
  double seconds = 0;
  histogram put;         // from a put to its answer
  histogram end_to_end;  // from a job's put to the answer to its ack
  std::string first_error;
};

class jobs_load {
 public:
  explicit jobs_load(const jobs_load_options& options);
  ~jobs_load();
  jobs_load(const jobs_load&) = delete;
  jobs_load& operator=(const jobs_load&) = delete;

  // False with `why` on failure.
  [[nodiscard]] bool open(std::string& why);
  void run();
  [[nodiscard]] const jobs_load_report& report() const noexcept { return report_; }

  [[nodiscard]] bool park(std::string& why);
  [[nodiscard]] std::size_t lost() const;

 private:
  enum class role : std::uint8_t {
    producer,  // puts
    fetcher,   // leases
    worker,    // acknowledges
  };
  struct connection {
    connection(int socket, role r) : fd(socket), does(r) {}
    int fd;
    role does;
    bool busy = false;  // an answer is awaited
    std::uint64_t sent_ns = 0;
    std::uint64_t stamp = 0;  // worker: of the job in hand
    std::string body;         // fetcher: of the answer that arrives
    response_reader reader;
  };
  struct held_job {
    std::string token;
    std::uint64_t stamp = 0;
  };

  [[nodiscard]] bool open_some(role r, std::size_t count, std::string& why);
  [[nodiscard]] bool finished() const noexcept;
  void finish_held();
  void put(connection& c, std::uint64_t now);
  void fetch(connection& c);
  void work(connection& c);
  void go_on(std::uint64_t now);  // whoever is idle and has something to do
  void send_all(connection& c, std::string_view bytes);
  void on_readable(connection& c);
  void on_answer(connection& c, std::uint64_t now);
  void on_leased(connection& c);
  void note_error(std::string text);
  void lose(connection& c, std::string why);

  jobs_load_options options_;
  put_source source_;
  std::string lease_;
  std::string out_;
  jobs_load_report report_;
  std::deque<connection> connections_;
  std::vector<connection*> idle_producers_;
  std::vector<connection*> idle_fetchers_;
  std::vector<connection*> idle_workers_;
  std::deque<held_job> held_;  // leased, and no worker has them yet
  std::vector<delivery> deliveries_;
  std::uint64_t issued_ = 0;  // jobs in puts that were sent
  std::uint64_t end_ns_ = 0;
  std::size_t open_ = 0;
  bool ending_ = false;
  int epoll_ = -1;
};

}  // namespace fairing::bench
