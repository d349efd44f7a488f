#include "bench/lg/sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace fairing::bench {

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  static_cast<void>(getrlimit(RLIMIT_NOFILE, &limit));
  return limit.rlim_cur;
}

int begin_connect(const std::string& host, std::uint16_t port, std::string& why) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    why = "'" + host + "' is not an IPv4 address; name one such as 127.0.0.1";
    return -1;
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    why = std::string("socket: ") + std::strerror(errno) + "; raise the limit with ulimit -n";
    return -1;
  }
  const int on = 1;
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    why = "connect to " + host + ":" + std::to_string(port) + ": " + std::strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

namespace {

bool await_connect(int fd, int timeout_ms, std::string& why) {
  pollfd waited{fd, POLLOUT, 0};
  if (poll(&waited, 1, timeout_ms) != 1) {
    why = "connecting took more than " + std::to_string(timeout_ms) + " ms";
    return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  static_cast<void>(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
  if (error != 0) why = std::string("connect: ") + std::strerror(error);
  return error == 0;
}

}  // namespace

bool open_all(const std::string& host, std::uint16_t port, std::size_t count, int timeout_ms,
              std::vector<int>& out, std::string& why) {
  constexpr std::size_t batch = 256;  // stays below the usual listen backlog of 511
  const auto end_ns = now_ns() + static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
  bool good = true;
  while (good && out.size() < count) {
    const auto from = out.size();
    const auto to = std::min(count, from + batch);
    while (good && out.size() < to) {
      const int fd = begin_connect(host, port, why);
      if (fd < 0) {
        good = false;
      } else {
        out.push_back(fd);
      }
    }
    for (auto i = from; good && i < out.size(); ++i) {
      const auto now = now_ns();
      const auto left_ms = now >= end_ns ? 0 : static_cast<int>((end_ns - now) / 1'000'000);
      good = await_connect(out[i], left_ms, why);
    }
  }
  if (!good) {
    for (const int fd : out) close(fd);
    out.clear();
  }
  return good;
}

std::uint64_t now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace fairing::bench
