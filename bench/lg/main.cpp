// fairing_lg: the benchmarks' HTTP/1.1 load client. `fairing_lg --help` lists its options;
// bench/README.md shows its modes.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <fstream>

#include "bench/lg/hold.hpp"
#include "bench/lg/load.hpp"
#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

struct command_line {
  load_options load;
  std::string url;
  std::string urls_file;
  std::size_t once = 0;
  std::size_t idle = 0;
  bool json = false;
};

void declare(CLI::App& app, command_line& c) {
  auto& load = c.load;
  app.add_option("--url", c.url, "http://IPV4:PORT/TARGET; {n} in it becomes a counter")
      ->required();
  app.add_option("--urls", c.urls_file, "a file of targets, one a line, taken in turn");
  app.add_option("--connections", load.connections)->check(CLI::Range(1, 1'000'000));
  app.add_option("--pipeline", load.pipeline, "requests in flight on each connection")
      ->check(CLI::Range(1, 1024));
  app.add_option("--seconds", load.seconds)->check(CLI::PositiveNumber);
  app.add_option("--requests", load.requests, "exactly so many, within --seconds");
  app.add_option("--header", load.plan.fields, "a field line, such as 'Accept-Encoding: gzip'");
  app.add_option("--method", load.plan.method);
  app.add_option("--first", load.plan.first, "the first value of {n}");
  app.add_option("--cycle", load.plan.cycle, "how many values {n} takes before it begins again");
  app.add_flag("--unique", load.plan.unique, "each request a new URL, by ?u={n} if need be");
  app.add_option("--expect", load.expected, "text that every answer's head must contain");
  app.add_option("--body-size", load.body_size, "the length every 200's body must have");
  app.add_flag("--any-size", load.any_size, "bodies may differ in length");
  app.add_option("--once", c.once, "so many cold clients at the same instant, a request each");
  app.add_option("--idle", c.idle, "hold so many idle connections until stdin ends");
  app.add_flag("--json", c.json, "the report as one JSON line");
}

// Turns the options into a plan; returns what is wrong, or an empty string.
std::string complete(command_line& c) {
  url_parts parts;
  if (!split_url(c.url, parts)) {
    return fmt::format("--url {}: not an http://IPV4:PORT/TARGET", c.url);
  }
  c.load.host = parts.host;
  c.load.port = parts.port;
  c.load.plan.authority = fmt::format("{}:{}", parts.host, parts.port);
  if (c.urls_file.empty()) {
    c.load.plan.targets = {parts.target};
  } else {
    std::ifstream file(c.urls_file);
    for (std::string line; std::getline(file, line);) {
      if (!line.empty()) c.load.plan.targets.push_back(line);
    }
    if (c.load.plan.targets.empty()) {
      return fmt::format("--urls {}: cannot be read, or has no target", c.urls_file);
    }
    c.load.any_size = true;
  }
  std::transform(c.load.expected.begin(), c.load.expected.end(), c.load.expected.begin(),
                 [](unsigned char x) { return static_cast<char>(std::tolower(x)); });
  if (c.once != 0) {
    c.load.connections = c.once;
    c.load.requests = c.once;
    c.load.pipeline = 1;
  }
  if (c.idle != 0) c.load.connections = c.idle;
  const auto files = raise_file_limit();
  if (c.load.connections + 16 > files) {
    return fmt::format("{} connections need more than the {} files that may be open (ulimit -n)",
                       c.load.connections, files);
  }
  return {};
}

void print(const load_report& r, bool json) {
  const auto rate = r.seconds > 0 ? static_cast<double>(r.requests) / r.seconds : 0;
  fmt::print(
      fmt::runtime(
          json ? "{{\"requests\":{},\"errors\":{},\"non_200\":{},\"wrong_size\":{},"
                 "\"unexpected\":{},\"reconnects\":{},\"bytes\":{},\"body_bytes\":{},"
                 "\"seconds\":{:.6f},\"rps\":{:.1f},\"p50_us\":{:.1f},\"p90_us\":{:.1f},"
                 "\"p99_us\":{:.1f},\"p999_us\":{:.1f},\"max_us\":{:.1f}}}\n"
               : "requests {}  errors {}  non-200 {}  wrong size {}  unexpected {}  reconnects {}\n"
                 "bytes {}  body bytes {}  seconds {:.3f}\n{:.0f} req/s\n"
                 "p50 {:.0f}  p90 {:.0f}  p99 {:.0f}  p99.9 {:.0f}  max {:.0f} us\n"),
      r.requests, r.errors, r.non_200, r.wrong_size, r.unexpected, r.reconnects, r.bytes,
      r.body_bytes, r.seconds, rate, r.latency.percentile_us(0.5), r.latency.percentile_us(0.9),
      r.latency.percentile_us(0.99), r.latency.percentile_us(0.999), r.latency.max_us());
}

int say(const std::string& failure, int code) {
  fmt::print(stderr, "fairing_lg: {}\n", failure);
  return code;
}

}  // namespace
}  // namespace fairing::bench

// Exit: 0 a report was printed, 1 nothing could be measured, 2 wrong usage.
int main(int argc, char** argv) {
  using namespace fairing::bench;
  CLI::App app("a closed-loop HTTP/1.1 load client");
  command_line c;
  declare(app, c);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const auto wrong = complete(c); !wrong.empty()) return say(wrong, 2);
  if (c.idle != 0) {
    const auto report = run_hold(c.load);
    if (!report.failure.empty()) return say(report.failure, 1);
    fmt::print("{{\"opened\":{},\"closed\":{}}}\n", report.opened, report.closed);
    return 0;
  }
  const auto report = run_load(c.load);
  if (!report.failure.empty()) return say(report.failure, 1);
  print(report, c.json);
  return 0;
}
