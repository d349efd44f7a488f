#include "bench/sql/load.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t connect_batch = 64;
constexpr int connect_timeout_ms = 15'000;

}  // namespace

sql_load::sql_load(const sql_load_options& options)
    : options_(options), source_(options.plan), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

sql_load::~sql_load() {
  for (auto& c : clients_) {
    if (c.fd >= 0) close(c.fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

bool sql_load::open(std::string& why) {
  session_opener opener(options_.who);
  while (clients_.size() < options_.clients) {
    std::vector<int> sockets;
    const auto count = std::min(connect_batch, options_.clients - clients_.size());
    if (!open_all(options_.host, options_.port, count, connect_timeout_ms, sockets, why)) {
      return false;
    }
    const auto first = clients_.size();
    for (const int fd : sockets) clients_.emplace_back().fd = fd;
    for (auto i = first; i < clients_.size(); ++i) {
      const auto& database = options_.databases[i % options_.databases.size()];
      const int fd = clients_[i].fd;
      if (!opener.open(fd, database, why) ||
          (!source_.preparation().empty() &&
           !session_opener::ask(fd, source_.preparation(), why))) {
        why = fmt::format("client {} of database {}: {}", i, database, why);
        return false;
      }
    }
  }
  open_ = clients_.size();
  return true;
}

bool sql_load::use_each_once(std::string& why) {
  for (auto& c : clients_) {
    std::string request;
    source_.append_next(request);
    if (!session_opener::ask(c.fd, request, why)) return false;
  }
  return true;
}

std::size_t sql_load::closed() const {
  return static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const client& c) {
        std::array<char, 1> byte;
        return recv(c.fd, byte.data(), byte.size(), MSG_PEEK | MSG_DONTWAIT) == 0;
      }));
}

void sql_load::run() {
  for (auto& c : clients_) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &c}};
    static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event));
  }
  start_ns_ = now_ns();
  end_ns_ = start_ns_ + static_cast<std::uint64_t>(options_.seconds * 1e9);
  for (auto& c : clients_) issue(c, now_ns());
  std::array<epoll_event, 256> events;
  auto now = now_ns();
  while (now < end_ns_ && open_ != 0) {
    const auto left_ms = static_cast<int>((end_ns_ - now + 999'999) / 1'000'000);
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), left_ms);
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      auto& c = *static_cast<client*>(event.data.ptr);
      if (c.fd >= 0) on_readable(c);
    }
    now = now_ns();
  }
  report_.seconds = static_cast<double>(now - start_ns_) / 1e9;
}

// One statement is in flight, so a socket whose buffer does not take it is not one that works.
void sql_load::issue(client& c, std::uint64_t now) {
  c.out.clear();
  source_.append_next(c.out);
  c.sent_ns = now;
  c.rows = 0;
  c.failed = false;
  const auto n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(c.out.size())) {
    lose(c, fmt::format("send: {}", n < 0 ? std::strerror(errno) : "the kernel took a part"));
  }
}

void sql_load::on_readable(client& c) {
  std::array<char, read_size> buffer;
  const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    lose(c, n == 0 ? "the server closed the connection" : std::strerror(errno));
    return;
  }
  const auto size = static_cast<std::size_t>(n);
  report_.bytes += size;
  if (c.rest.empty()) {
    take(c, {buffer.data(), size}, now_ns());
    return;
  }
  auto all = std::move(c.rest);
  c.rest.clear();
  all.append(buffer.data(), size);
  take(c, all, now_ns());
}

void sql_load::take(client& c, std::string_view bytes, std::uint64_t now) {
  wire_message m;
  auto result = taken::whole;
  while (c.fd >= 0 && (result = take_message(bytes, m)) == taken::whole) {
    switch (m.type) {
      case 'D':
        ++c.rows;
        break;
      case 'E':
        c.failed = true;
        note_error(error_text(m.body));
        break;
      case 'Z':
        finish_one(c, m.body.empty() ? '?' : m.body[0], now);
        break;
      default:
        break;
    }
  }
  if (result == taken::malformed) lose(c, "the answer is no PostgreSQL message");
  if (c.fd >= 0) c.rest.assign(bytes);
}

void sql_load::finish_one(client& c, char status, std::uint64_t now) {
  ++report_.queries;
  report_.latency.add(now - c.sent_ns);
  if (!c.failed && (c.rows != 1 || status != 'I')) ++report_.wrong;
  if (now < end_ns_) issue(c, now);
}

void sql_load::note_error(std::string text) {
  if (report_.errors++ == 0) report_.first_error = std::move(text);
}

void sql_load::lose(client& c, std::string why) {
  note_error(std::move(why));
  close(c.fd);
  c.fd = -1;
  --open_;
}

}  // namespace fairing::bench
