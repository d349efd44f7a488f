// fairing_sql_torture: many clients, each of which knows every message that has to come back; and the fault proxy.
//
//   fairing_sql_torture --target 127.0.0.1:6432 --user u --password p --database d --statements 100000
//   fairing_sql_torture --fault-proxy 127.0.0.1:0=127.0.0.1:5432 --kill 0.0002 > faults.log
//     prints {"port": N} as its first line on stderr, its faults on stdout, and ends with SIGTERM
//   fairing_sql_torture --schema | psql ...     the tables that it reads and writes, once
// Every row bears the tag of the statement that asked for it. Exit 0: each message of each answer was the right one and
// every lost connection is explained by a fault of ours (--fault-log names the proxy's). 1: not so. 2: usage.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/core.h>
#include <sys/resource.h>

#include "client.hpp"
#include "fault_log.hpp"
#include "fault_proxy.hpp"

namespace fairing::torture {
namespace {

volatile std::sig_atomic_t stopped = 0;
void stop(int) { stopped = 1; }

struct options {
  std::string target, fault_proxy, fault_log;
  credentials who{.user = "postgres", .password = {}, .database = "postgres", .keys = {}};
  std::uint32_t clients = 200;
  std::uint64_t statements = 30'000;
  std::uint64_t seed = 1;
  std::uint64_t limit_s = 600;
  std::uint64_t hang_s = 60;
  misbehaviour rates;
  break_rates breaks;
  script_options scripts;
  bool schema = false;
};

void declare(CLI::App& app, options& o) {
  app.add_option("--target", o.target, "the address under test: 127.0.0.1:6432 or unix:PATH");
  app.add_option("--user", o.who.user);
  app.add_option("--password", o.who.password, "for SCRAM, MD5 or clear text, as the server asks");
  app.add_option("--database", o.who.database);
  app.add_option("--clients", o.clients);
  app.add_option("--statements", o.statements, "of all clients together");
  app.add_option("--seed", o.seed, "of everything random");
  app.add_option("--limit", o.limit_s, "seconds until the run counts as hung");
  app.add_option("--hang", o.hang_s, "seconds after which an answer counts as missing");
  app.add_option("--close", o.rates.close, "share of steps in whose midst the client closes");
  app.add_option("--stall", o.rates.stall, "share of steps whose answer is not read for a while");
  app.add_option("--garbage", o.rates.garbage, "share of scripts in whose place garbage is sent");
  app.add_option("--texts", o.scripts.texts, "different statements that are prepared");
  app.add_option("--without", o.scripts.without, "kinds of scripts to leave out")->delimiter(',');
  app.add_flag("!--no-writes", o.scripts.writes, "nothing that writes");
  app.add_flag("--schema", o.schema, "print the tables' SQL");
  app.add_option("--fault-log", o.fault_log, "what a fault proxy printed");
  app.add_option("--fault-proxy", o.fault_proxy, "LISTEN=TARGET: be the proxy");
  app.add_option("--kill", o.breaks.kill, "share of messages before which a connection is killed");
  app.add_option("--kill-within", o.breaks.within, "share of messages within which it is");
  app.add_option("--delay", o.breaks.delay, "share of messages that are held up");
  app.add_option("--freeze", o.breaks.freeze,
                 "share of messages at which both directions stand still");
}

int run_proxy(const options& o) {
  const auto equals = o.fault_proxy.find('=');
  if (equals == std::string::npos) throw std::runtime_error("--fault-proxy takes LISTEN=TARGET");
  loop events;
  const fault_proxy proxy(events, address::parse(o.fault_proxy.substr(0, equals)),
                          address::parse(o.fault_proxy.substr(equals + 1)), o.breaks, o.seed,
                          stdout);
  fmt::print(stderr, "{{\"port\": {}}}\n", proxy.port());
  events.run([] { return stopped != 0; });
  return 0;
}

int verdict_of(report& r, const options& o, std::uint64_t took_ms) {
  auto log = fault_log::read(o.fault_log);
  const auto lost = log.explain(r.lost);
  const auto refused = log.explain_refused(r.refused);
  fmt::print("{}\n", r.json(took_ms, lost.not_at_all, lost.loosely, refused.not_at_all));
  if (lost.not_at_all > 0) fmt::print(stderr, "lost without a fault, the first: {}\n", lost.first);
  if (refused.not_at_all > 0)
    fmt::print(stderr, "refused without a fault, the first: {}\n", refused.first);
  return r.faults + lost.not_at_all + refused.not_at_all + r.late_cancels == 0 ? 0 : 1;
}

int run_clients(options& o) {
  loop events;
  report r;
  run_state run{.events = events,
                .out = r,
                .login = o.who,
                .target = address::parse(o.target),
                .rates = o.rates,
                .scripts = o.scripts,
                .seed = o.seed,
                .first_connection = static_cast<std::uint32_t>(now_us() / 1000 % 1'000'000) * 1000,
                .statements = o.statements,
                .hang_us = static_cast<std::int64_t>(o.hang_s) * 1'000'000};
  const auto begin = now_us();
  {
    std::vector<std::unique_ptr<client>> clients;
    for (std::uint32_t i = 0; i < o.clients; ++i)
      clients.push_back(std::make_unique<client>(run, i));
    const auto limit = begin + static_cast<std::int64_t>(o.limit_s) * 1'000'000;
    std::size_t first_busy = 0;
    events.run([&] {
      while (first_busy < clients.size() && clients[first_busy]->finished()) ++first_busy;
      return first_busy == clients.size() || stopped != 0 || now_us() > limit;
    });
    if (first_busy < clients.size()) r.fault("the run did not come to its end in time", false);
  }
  return verdict_of(r, o, static_cast<std::uint64_t>((now_us() - begin) / 1000));
}

int run(options& o) {
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (o.schema) {
    fmt::print("{}\n", schema());
    return 0;
  }
  if (!o.fault_proxy.empty()) return run_proxy(o);
  if (o.target.empty())
    throw std::runtime_error("--target ADDRESS, --fault-proxy LISTEN=TARGET or --schema is needed");
  return run_clients(o);
}

}  // namespace
}  // namespace fairing::torture

int main(int argc, char** argv) {
  CLI::App app("PostgreSQL clients that check every answer, and a proxy that breaks servers");
  fairing::torture::options o;
  fairing::torture::declare(app, o);
  CLI11_PARSE(app, argc, argv);
  try {
    return fairing::torture::run(o);
  } catch (const std::exception& e) {
    fmt::print(stderr, "fairing_sql_torture: {}\n", e.what());
    return 2;
  }
}
