// fairing_pg_origin: the fake PostgreSQL behind the benchmarks' poolers. Prints
// {"event":"ready","port":N} once it listens on 127.0.0.1, and serves until SIGTERM or SIGINT.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "bench/lg/sockets.hpp"
#include "bench/sql/pg_origin.hpp"

namespace {

std::atomic<bool> stop = false;

void on_signal(int) { stop.store(true, std::memory_order_relaxed); }

}  // namespace

// Exit: 0 stopped by a signal, 1 could not listen, 2 wrong usage.
int main(int argc, char** argv) {
  CLI::App app("the benchmarks' fake PostgreSQL");
  std::uint16_t port = 0;
  app.add_option("--port", port, "on 127.0.0.1; 0 picks a free one");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  fairing::bench::raise_file_limit();
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  fairing::bench::pg_origin server;
  std::string why;
  if (!server.listen(port, why)) {
    fmt::print(stderr, "fairing_pg_origin: {}\n", why);
    return 1;
  }
  fmt::print("{{\"event\":\"ready\",\"port\":{}}}\n", server.port());
  std::fflush(stdout);
  server.run(stop);
  return 0;
}
