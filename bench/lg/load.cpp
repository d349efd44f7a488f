#include "bench/lg/load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <vector>

#include "bench/lg/response_reader.hpp"
#include "bench/lg/sockets.hpp"

namespace fairing::bench {
namespace {

// The send times of the requests in flight on one connection, oldest first.
class in_flight {
 public:
  explicit in_flight(std::size_t depth) : times_(depth) {}
  void push(std::uint64_t ns) {
    times_[(head_ + size_) % times_.size()] = ns;
    ++size_;
  }
  std::uint64_t pop() {
    const auto ns = times_[head_];
    head_ = head_ + 1 == times_.size() ? 0 : head_ + 1;
    --size_;
    return ns;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void clear() noexcept { size_ = 0; }

 private:
  std::vector<std::uint64_t> times_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

struct connection {
  connection(int socket, const load_options& options)
      : fd(socket),
        reader(options.plan.method == "HEAD", options.expected),
        waiting(options.pipeline) {}
  int fd;
  response_reader reader;
  in_flight waiting;
  std::string out;  // requests not yet taken by the kernel
  bool watching_out = false;
};

class load_run {
 public:
  explicit load_run(const load_options& options)
      : options_(options), source_(options.plan), body_size_(options.body_size) {}

  load_report run();

 private:
  [[nodiscard]] bool open_connections();
  void start();
  void on_event(connection& c, std::uint32_t events);
  void on_readable(connection& c);
  void take(connection& c, std::string_view bytes, std::uint64_t now);
  // False: the connection was closed with this answer, and what else it sent is void.
  bool finish_one(connection& c, std::uint64_t now);
  void issue(connection& c, std::uint64_t now);
  void flush(connection& c);
  void on_closed(connection& c);
  void give_up(connection& c);
  void watch(connection& c, int operation, std::uint32_t events);
  [[nodiscard]] bool may_issue() const noexcept {
    return options_.requests == 0 || issued_ < options_.requests;
  }
  [[nodiscard]] bool finished(std::uint64_t now) const noexcept {
    if (now >= end_ns_ || open_ == 0) return true;
    return options_.requests != 0 && report_.requests + report_.errors >= options_.requests;
  }

  static constexpr std::size_t read_size = 16 * 1024;
  static constexpr std::uint64_t discard_from =
      8 * 1024;  // bodies with more to come are not copied
  static constexpr int connect_timeout_ms = 15'000;

  const load_options& options_;
  request_source source_;
  load_report report_;
  std::deque<connection> connections_;
  std::array<char, read_size> buffer_;
  std::int64_t body_size_;
  std::uint64_t issued_ = 0;
  std::uint64_t start_ns_ = 0;
  std::uint64_t end_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::size_t open_ = 0;
  int epoll_ = -1;
};

load_report load_run::run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0 || !open_connections()) {
    if (report_.failure.empty()) report_.failure = "epoll_create1 failed";
    return std::move(report_);
  }
  start();
  std::array<epoll_event, 256> events;
  auto now = now_ns();
  while (!finished(now)) {
    const auto left_ms = static_cast<int>((end_ns_ - now + 999'999) / 1'000'000);
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), left_ms);
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      on_event(*static_cast<connection*>(event.data.ptr), event.events);
    }
    now = now_ns();
  }
  const auto last = options_.requests != 0 && last_ns_ != 0 ? last_ns_ : now;
  report_.seconds = static_cast<double>(last - start_ns_) / 1e9;
  for (auto& c : connections_) {
    if (options_.requests != 0) report_.errors += c.waiting.size();  // unanswered in time
    if (c.fd >= 0) close(c.fd);
  }
  close(epoll_);
  return std::move(report_);
}

bool load_run::open_connections() {
  std::vector<int> sockets;
  if (!open_all(options_.host, options_.port, options_.connections, connect_timeout_ms, sockets,
                report_.failure)) {
    return false;
  }
  for (const int fd : sockets) {
    auto& c = connections_.emplace_back(fd, options_);
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
  open_ = connections_.size();
  return true;
}

void load_run::start() {
  start_ns_ = now_ns();
  end_ns_ = start_ns_ + static_cast<std::uint64_t>(options_.seconds * 1e9);
  for (auto& c : connections_) {
    for (std::size_t i = 0; i < options_.pipeline; ++i) issue(c, start_ns_);
    flush(c);
  }
}

void load_run::watch(connection& c, int operation, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &c}};
  static_cast<void>(epoll_ctl(epoll_, operation, c.fd, &event));
}

void load_run::on_event(connection& c, std::uint32_t events) {
  if (c.fd < 0) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) on_readable(c);
  if (c.fd >= 0 && (events & EPOLLOUT) != 0) flush(c);
}

void load_run::on_readable(connection& c) {
  const auto left = c.reader.body_left();
  const bool discard = left >= discard_from;
  // MSG_TRUNC on a TCP socket drops the bytes without copying them (tcp(7)).
  const auto n = recv(c.fd, buffer_.data(), discard ? static_cast<std::size_t>(left) : read_size,
                      discard ? MSG_TRUNC : 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    on_closed(c);
    return;
  }
  const auto size = static_cast<std::size_t>(n);
  report_.bytes += size;
  const auto now = now_ns();
  if (discard) {
    c.reader.skip_body(size);
    if (c.reader.done()) static_cast<void>(finish_one(c, now));
  } else {
    take(c, {buffer_.data(), size}, now);
  }
  if (c.fd >= 0 && !c.out.empty()) flush(c);
}

void load_run::take(connection& c, std::string_view bytes, std::uint64_t now) {
  while (!bytes.empty()) {
    if (c.waiting.size() == 0) {  // bytes nobody asked for
      ++report_.errors;
      give_up(c);
      return;
    }
    bytes.remove_prefix(c.reader.feed(bytes));
    if (c.reader.failed()) {
      report_.errors += c.waiting.size();
      give_up(c);
      return;
    }
    if (c.reader.done() && !finish_one(c, now)) return;
  }
}

bool load_run::finish_one(connection& c, std::uint64_t now) {
  const auto& reader = c.reader;
  ++report_.requests;
  last_ns_ = now;
  report_.latency.add(now - c.waiting.pop());
  report_.body_bytes += reader.body_bytes();
  if (reader.status() != 200) {
    ++report_.non_200;
  } else if (!options_.any_size) {
    const auto size = static_cast<std::int64_t>(reader.body_bytes());
    if (body_size_ < 0) body_size_ = size;
    if (size != body_size_) ++report_.wrong_size;
  }
  if (!reader.as_expected()) ++report_.unexpected;
  const bool closes = reader.will_close();
  c.reader.restart();
  if (closes) {
    on_closed(c);
  } else {
    issue(c, now);
  }
  return !closes;
}

void load_run::issue(connection& c, std::uint64_t now) {
  if (!may_issue() || now >= end_ns_) return;
  ++issued_;
  source_.append_next(c.out);
  c.waiting.push(now);
}

void load_run::flush(connection& c) {
  if (!c.out.empty()) {
    const auto n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
      on_closed(c);
      return;
    }
    if (n > 0) c.out.erase(0, static_cast<std::size_t>(n));
  }
  if (c.out.empty() == c.watching_out) {
    c.watching_out = !c.watching_out;
    watch(c, EPOLL_CTL_MOD, c.watching_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

void load_run::give_up(connection& c) {
  close(c.fd);
  c.fd = -1;
  --open_;
}

// The server closed the connection: what was in flight is lost, and a new connection takes over.
void load_run::on_closed(connection& c) {
  if (c.waiting.size() != 0 && c.reader.at_eof()) {
    static_cast<void>(
        finish_one(c, now_ns()));  // comes back here: an answer that ends so also closes
    return;
  }
  report_.errors += c.waiting.size();
  c.waiting.clear();
  c.out.clear();
  c.reader.restart();
  c.watching_out = false;
  close(c.fd);
  c.fd = -1;
  --open_;
  if (!may_issue() || now_ns() >= end_ns_) return;
  std::string why;
  c.fd = begin_connect(options_.host, options_.port, why);
  if (c.fd < 0) return;
  ++open_;
  ++report_.reconnects;
  watch(c, EPOLL_CTL_ADD, EPOLLIN);
  for (std::size_t i = 0; i < options_.pipeline; ++i) issue(c, now_ns());
  flush(c);
}

}  // namespace

load_report run_load(const load_options& options) {
  return std::make_unique<load_run>(options)->run();
}

}  // namespace fairing::bench
