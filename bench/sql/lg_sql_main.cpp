// fairing_lg_sql: the benchmarks' PostgreSQL load client. `fairing_lg_sql --help` lists its options;
// bench/README.md shows its modes.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "bench/lg/control.hpp"
#include "bench/lg/sockets.hpp"
#include "bench/sql/load.hpp"

namespace fairing::bench {
namespace {

struct command_line {
  sql_load_options load;
  std::size_t idle = 0;
  bool json = false;
  bool wait = false;
};

void declare(CLI::App& app, command_line& c) {
  auto& load = c.load;
  app.add_option("--host", load.host, "an IPv4 address");
  app.add_option("--port", load.port)->required();
  app.add_option("--user", load.who.user);
  app.add_option("--password", load.who.password, "of a benchmark's user: it stands in ps");
  app.add_option("--databases", load.databases, "A,B: the clients take them in turn")
      ->delimiter(',');
  app.add_option("-c,--clients", load.clients)->check(CLI::Range(1, 100'000));
  app.add_option("--seconds", load.seconds)->check(CLI::PositiveNumber);
  app.add_option("--query", load.plan.text, "a statement of one row; {r} becomes a random number");
  app.add_option("--range", load.plan.range, "{r} is 1 to this")
      ->check(CLI::Range(1, 1'000'000'000));
  app.add_option("--seed", load.plan.seed);
  app.add_option("--protocol", load.plan.how, "simple, extended or prepared")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, protocol>{{"simple", protocol::simple},
                                          {"extended", protocol::extended},
                                          {"prepared", protocol::prepared}}));
  app.add_option("--idle", c.idle, "hold so many idle clients until stdin ends");
  app.add_flag("--wait", c.wait,
               "log in, print a line, wait for a line of stdin; after the report, until it ends");
  app.add_flag("--json", c.json, "the report as one JSON line");
}

void print(const sql_load_report& r, bool json) {
  const auto rate = r.seconds > 0 ? static_cast<double>(r.queries) / r.seconds : 0;
  if (json) {
    fmt::print(
        "{{\"queries\":{},\"errors\":{},\"wrong\":{},\"bytes\":{},\"seconds\":{:.6f},\"tps\":{:.1f}"
        ","
        "\"p50_us\":{:.1f},\"p90_us\":{:.1f},\"p99_us\":{:.1f},\"p999_us\":{:.1f},"
        "\"max_us\":{:.1f},\"first_error\":{}}}\n",
        r.queries, r.errors, r.wrong, r.bytes, r.seconds, rate, r.latency.percentile_us(0.5),
        r.latency.percentile_us(0.9), r.latency.percentile_us(0.99), r.latency.percentile_us(0.999),
        r.latency.max_us(), json_text(r.first_error));
  } else {
    fmt::print(
        "queries {}  errors {}  wrong {}  seconds {:.3f}\n{:.0f} queries/s\n"
        "p50 {:.0f}  p90 {:.0f}  p99 {:.0f}  p99.9 {:.0f}  max {:.0f} us\n{}{}",
        r.queries, r.errors, r.wrong, r.seconds, rate, r.latency.percentile_us(0.5),
        r.latency.percentile_us(0.9), r.latency.percentile_us(0.99), r.latency.percentile_us(0.999),
        r.latency.max_us(), r.first_error, r.first_error.empty() ? "" : "\n");
  }
  std::fflush(stdout);
}

int say(const std::string& failure, int code) {
  fmt::print(stderr, "fairing_lg_sql: {}\n", failure);
  return code;
}

int hold(command_line& c, sql_load& load) {
  std::string why;
  if (!load.use_each_once(why)) return say(why, 1);
  fmt::print("{{\"event\":\"held\",\"open\":{}}}\n", c.load.clients);
  std::fflush(stdout);
  while (wait_for_stdin(c.load.seconds)) {
  }
  fmt::print("{{\"opened\":{},\"closed\":{}}}\n", c.load.clients, load.closed());
  return 0;
}

int measure(const command_line& c, sql_load& load) {
  constexpr double longest_wait_s = 600;
  if (c.wait) {
    fmt::print("{{\"event\":\"connected\",\"clients\":{}}}\n", c.load.clients);
    std::fflush(stdout);
    if (!wait_for_stdin(longest_wait_s)) return say("stdin ended before the start", 1);
  }
  load.run();
  print(load.report(), c.json);
  while (c.wait && wait_for_stdin(longest_wait_s)) {
  }
  return 0;
}

}  // namespace
}  // namespace fairing::bench

// Exit: 0 a report was printed, 1 nothing could be measured, 2 wrong usage.
int main(int argc, char** argv) {
  using namespace fairing::bench;
  CLI::App app("a closed-loop PostgreSQL load client");
  command_line c;
  declare(app, c);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (c.idle != 0) c.load.clients = c.idle;
  const auto files = raise_file_limit();
  if (c.load.clients + 16 > files) {
    return say(fmt::format("{} clients need more than the {} files that may be open (ulimit -n)",
                           c.load.clients, files),
               2);
  }
  sql_load load(c.load);
  std::string why;
  if (!load.open(why)) return say(why, 1);
  return c.idle != 0 ? hold(c, load) : measure(c, load);
}
