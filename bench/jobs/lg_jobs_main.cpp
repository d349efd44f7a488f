// fairing_lg_jobs: the benchmarks' client of the jobs API. `fairing_lg_jobs --help` lists its options; bench/README.md
// shows its modes.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/jobs/load.hpp"
#include "bench/lg/control.hpp"
#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

struct command_line {
  jobs_load_options load;
  std::size_t park = 0;
  bool wait = false;
};

void declare(CLI::App& app, command_line& c) {
  auto& load = c.load;
  load.put.queue = "bench";
  app.add_option("--host", load.host, "an IPv4 address");
  app.add_option("--port", load.port)->required();
  app.add_option("--queue", load.put.queue);
  app.add_option("--producers", load.producers, "connections that put")
      ->check(CLI::Range(0, 10'000));
  app.add_option("--batch", load.put.batch, "jobs a put")->check(CLI::Range(1, 1'000));
  app.add_option("--payload", load.put.payload, "bytes of a job's")->check(CLI::Range(20, 100'000));
  app.add_option("--delay", load.put.delay_s, "seconds until the jobs may run");
  app.add_option("--fetchers", load.fetchers, "connections that lease");
  app.add_option("--most", load.most, "jobs a lease")->check(CLI::Range(1, 100));
  app.add_option("--workers", load.workers, "connections that acknowledge");
  app.add_option("--ahead", load.ahead, "jobs put and not acknowledged, at most");
  app.add_option("--puts", load.puts, "end when so many jobs are put, within --seconds");
  app.add_option("--acks", load.acks, "end when so many are acknowledged, within --seconds");
  app.add_option("--seconds", load.seconds)->check(CLI::PositiveNumber);
  app.add_option("--park", c.park, "hold so many leases that get no job until stdin ends");
  app.add_flag("--wait", c.wait,
               "connect, print a line, wait for a line of stdin; after the report, until it ends");
}

void print(const jobs_load_report& r) {
  fmt::print(
      "{{\"puts\":{},\"leases\":{},\"acks\":{},\"errors\":{},\"seconds\":{:.6f},"
      "\"put_p50_us\":{:.1f},\"put_p99_us\":{:.1f},\"put_max_us\":{:.1f},"
      "\"end_p50_us\":{:.1f},\"end_p99_us\":{:.1f},\"first_error\":{}}}\n",
      r.puts, r.leases, r.acks, r.errors, r.seconds, r.put.percentile_us(0.5),
      r.put.percentile_us(0.99), r.put.max_us(), r.end_to_end.percentile_us(0.5),
      r.end_to_end.percentile_us(0.99), json_text(r.first_error));
  std::fflush(stdout);
}

int say(const std::string& failure, int code) {
  fmt::print(stderr, "fairing_lg_jobs: {}\n", failure);
  return code;
}

int hold(command_line& c, jobs_load& load) {
  std::string why;
  if (!load.park(why)) return say(why, 1);
  fmt::print("{{\"event\":\"parked\",\"open\":{}}}\n", c.park);
  std::fflush(stdout);
  while (wait_for_stdin(c.load.seconds)) {
  }
  fmt::print("{{\"parked\":{},\"lost\":{}}}\n", c.park, load.lost());
  return 0;
}

int measure(const command_line& c, jobs_load& load) {
  constexpr double longest_wait_s = 600;
  if (c.wait) {
    fmt::print("{{\"event\":\"connected\"}}\n");
    std::fflush(stdout);
    if (!wait_for_stdin(longest_wait_s)) return say("stdin ended before the start", 1);
  }
  load.run();
  print(load.report());
  while (c.wait && wait_for_stdin(longest_wait_s)) {
  }
  return 0;
}

}  // namespace
}  // namespace fairing::bench

// Exit: 0 a report was printed, 1 nothing could be measured, 2 wrong usage.
int main(int argc, char** argv) {
  using namespace fairing::bench;
  CLI::App app("a closed-loop client of Fairing's jobs API");
  command_line c;
  declare(app, c);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (c.park != 0) {
    c.load.producers = c.load.workers = 0;
    c.load.fetchers = c.park;
    c.load.wait_s = 60;
  }
  const auto connections = c.load.producers + c.load.fetchers + c.load.workers;
  if (connections == 0) return say("--producers, --fetchers, --workers or --park is needed", 2);
  const auto files = raise_file_limit();
  if (connections + 16 > files) {
    return say(
        fmt::format("{} connections need more than the {} files that may be open (ulimit -n)",
                    connections, files),
        2);
  }
  jobs_load load(c.load);
  std::string why;
  if (!load.open(why)) return say(why, 1);
  return c.park != 0 ? hold(c, load) : measure(c, load);
}
