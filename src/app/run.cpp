#include "app/run.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/instance.hpp"
#include "base/log.hpp"

namespace fairing::app {

namespace {
constexpr int exit_ok = 0;
constexpr int exit_usage = 2;

void raise_descriptor_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
}

void print_ready(const instance& i) {
  const nlohmann::json line = {{"event", "ready"}, {"listeners", i.listeners()}};
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}
}  // namespace

int run_instance(const config::config& c, const config::config_source& source) {
  // Signals are taken by this thread only: blocked before any other starts.
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&wanted, s);
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file over its limit is a write that fails, not the end
  raise_descriptor_limit();

  auto started = instance::start(c, source);
  if (!started) {
    std::fprintf(stderr, "fairing: %s\n", started.error().message().c_str());
    return exit_usage;
  }
  auto& running = **started;
  print_ready(running);
  for (;;) {
    int signal = 0;
    if (::sigwait(&wanted, &signal) != 0) continue;
    if (signal == SIGHUP) {
      if (!running.reload()) running.reopen_logs();  // a rotation must not wait for a good file
    } else if (signal == SIGUSR1) {
      running.reopen_logs();
    } else {
      break;
    }
  }
  // A second Ctrl-C ends it without waiting for what is in flight.
  sigset_t impatient;
  sigemptyset(&impatient);
  sigaddset(&impatient, SIGINT);
  ::signal(SIGINT, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &impatient, nullptr);
  running.drain();
  return exit_ok;
}

}  // namespace fairing::app
