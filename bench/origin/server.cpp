#include "bench/origin/server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>

namespace fairing::bench {
namespace {

std::uint64_t monotonic_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

void watch(int epoll, int operation, int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{.events = events, .data = {.u64 = id}};
  static_cast<void>(epoll_ctl(epoll, operation, fd, &event));
}

}  // namespace

origin_server::origin_server() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

origin_server::~origin_server() {
  for (auto& [id, c] : clients_) close(c->fd);
  if (listener_ >= 0) close(listener_);
  if (epoll_ >= 0) close(epoll_);
}

bool origin_server::listen(std::uint16_t port, std::string& why) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  static_cast<void>(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || ::listen(listener_, 4096) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    why = fmt::format("listening on 127.0.0.1:{}: {}", port, std::strerror(errno));
    return false;
  }
  port_ = ntohs(address.sin_port);
  watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN, 0);
  return true;
}

void origin_server::run(const std::atomic<bool>& stop) {
  std::array<epoll_event, 256> events;
  while (!stop.load(std::memory_order_relaxed)) {
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                             next_timeout_ms(monotonic_ms()));
    set_date();
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == 0) {
        accept_all();
      } else if (const auto it = clients_.find(event.data.u64); it != clients_.end()) {
        on_event(*it->second, event.events);
      }
    }
    answer_due(monotonic_ms());
  }
}

int origin_server::next_timeout_ms(std::uint64_t now_ms) const {
  constexpr std::uint64_t longest = 200;
  if (delayed_.empty()) return longest;
  const auto due = delayed_.begin()->first;
  return due <= now_ms ? 0 : static_cast<int>(std::min(longest, due - now_ms));
}

void origin_server::set_date() {
  const auto now = time(nullptr);
  if (now == date_second_) return;
  date_second_ = now;
  tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text;
  const auto size =
      strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  date_.assign(text.data(), size);
}

void origin_server::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    auto c = std::make_unique<client>();
    c->fd = fd;
    c->id = next_id_++;
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, c->id);
    clients_.emplace(c->id, std::move(c));
  }
}

void origin_server::on_event(client& c, std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(c)) {
    drop(c);
    return;
  }
  if (!flush(c) || !serve(c)) drop(c);
}

bool origin_server::read_some(client& c) {
  std::array<char, 16 * 1024> buffer;
  const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  const auto skipped = std::min<std::uint64_t>(c.to_skip, bytes.size());
  c.to_skip -= skipped;
  bytes.remove_prefix(static_cast<std::size_t>(skipped));
  c.in.append(bytes);
  return c.in.size() <= 2 * head_limit;
}

// Answers every whole request that was read; false if the connection is to be dropped.
bool origin_server::serve(client& c) {
  std::size_t used = 0;
  bool good = true;
  while (good && !c.waiting && !c.closing && c.body.empty() && c.out.size() < out_limit) {
    scanned_request request;
    const auto result = scan(std::string_view(c.in).substr(used), request);
    if (result == scan_result::incomplete) break;
    if (result == scan_result::bad) return false;
    auto answer = routes_.answer(request);
    const bool head_only = request.method == "HEAD";
    c.closing = request.close;
    used += request.size;
    const auto here = std::min<std::uint64_t>(request.body_size, c.in.size() - used);
    used += static_cast<std::size_t>(here);
    c.to_skip = request.body_size - here;
    if (answer.delay_ms != 0) {
      c.waiting = true;
      const auto due_ms = monotonic_ms() + answer.delay_ms + 1;  // never early
      std::string fields(answer.fields);
      delayed_.emplace(due_ms, delayed{c.id, std::move(answer), std::move(fields), head_only});
    } else {
      append(c, answer, answer.fields, head_only);
      if (!c.body.empty()) good = flush(c);
    }
  }
  c.in.erase(0, used);
  return good && flush(c);
}

void origin_server::append(client& c, const routed_answer& a, std::string_view fields,
                           bool head_only) {
  const auto body = a.made_body.empty() ? a.body : std::string_view(a.made_body);
  c.out += a.status == 200 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 404 Not Found\r\n";
  c.out += date_;
  c.out += fields;
  fmt::format_to(std::back_inserter(c.out), "Content-Length: {}\r\n{}\r\n", body.size(),
                 c.closing ? "Connection: close\r\n" : "");
  if (head_only) return;
  if (body.size() <= copied_body || !a.made_body.empty()) {
    c.out += body;
  } else {
    c.body = body;
  }
}

// Writes what the kernel takes; false if the connection is over.
bool origin_server::flush(client& c) {
  while (c.sent < c.out.size() + c.body.size()) {
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    if (c.sent < c.out.size()) {
      parts[count++] = {c.out.data() + c.sent, c.out.size() - c.sent};
    }
    if (!c.body.empty()) {
      const auto from = c.sent > c.out.size() ? c.sent - c.out.size() : 0;
      parts[count++] = {const_cast<char*>(c.body.data()) + from, c.body.size() - from};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const auto n = sendmsg(c.fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) break;
    c.sent += static_cast<std::size_t>(n);
  }
  const bool all = c.sent == c.out.size() + c.body.size();
  if (all) {
    c.out.clear();
    c.body = {};
    c.sent = 0;
    if (c.closing && !c.waiting) return false;
  }
  if (all == c.watching_out) {
    c.watching_out = !all;
    watch(epoll_, EPOLL_CTL_MOD, c.fd, all ? EPOLLIN : EPOLLIN | EPOLLOUT, c.id);
  }
  return true;
}

void origin_server::drop(client& c) {
  close(c.fd);
  clients_.erase(c.id);
}

void origin_server::answer_due(std::uint64_t now_ms) {
  while (!delayed_.empty() && delayed_.begin()->first <= now_ms) {
    const auto node = delayed_.extract(delayed_.begin());
    const auto& d = node.mapped();
    if (const auto it = clients_.find(d.client_id); it != clients_.end()) {
      auto& c = *it->second;
      c.waiting = false;
      append(c, d.answer, d.fields, d.head_only);
      if (!flush(c) || !serve(c)) drop(c);
    }
  }
}

}  // namespace fairing::bench
