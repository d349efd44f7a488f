#include "bench/lg/hold.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "bench/lg/response_reader.hpp"
#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

constexpr int answer_timeout_ms = 10'000;
constexpr std::size_t batch = 128;  // connections opened before they are used

// Sends one request and reads its answer, so that the connection is one the server keeps alive.
bool use_once(int fd, request_source& source, bool head_only) {
  std::string request;
  source.append_next(request);
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return false;
  }
  response_reader reader(head_only);
  std::array<char, 16 * 1024> buffer;
  while (!reader.done()) {
    pollfd waited{fd, POLLIN, 0};
    if (poll(&waited, 1, answer_timeout_ms) != 1) return false;
    const auto n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return false;
    static_cast<void>(reader.feed({buffer.data(), static_cast<std::size_t>(n)}));
    if (reader.failed()) return false;
  }
  return !reader.will_close();
}

void wait_for_end(double seconds) {
  const auto end_ns = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  std::array<char, 256> ignored;
  for (auto now = now_ns(); now < end_ns; now = now_ns()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, static_cast<int>((end_ns - now) / 1'000'000) + 1) != 1) continue;
    if (read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
  }
}

}  // namespace

hold_report run_hold(const load_options& options) {
  hold_report report;
  std::vector<int> sockets;
  request_source source(options.plan);
  while (sockets.size() < options.connections) {
    std::vector<int> more;
    const auto count = std::min(batch, options.connections - sockets.size());
    if (!open_all(options.host, options.port, count, answer_timeout_ms, more, report.failure)) {
      for (const int fd : sockets) close(fd);
      return report;
    }
    for (const int fd : more) {
      if (use_once(fd, source, options.plan.method == "HEAD")) ++report.opened;
      sockets.push_back(fd);
    }
  }
  fmt::print("{{\"event\":\"held\",\"open\":{}}}\n", report.opened);
  std::fflush(stdout);
  wait_for_end(options.seconds);
  const auto alive = std::count_if(sockets.begin(), sockets.end(), [](int fd) {
    std::array<char, 1> byte;
    return recv(fd, byte.data(), byte.size(), MSG_PEEK | MSG_DONTWAIT) != 0;
  });
  report.closed = report.opened - std::min(report.opened, static_cast<std::size_t>(alive));
  for (const int fd : sockets) close(fd);
  return report;
}

}  // namespace fairing::bench
