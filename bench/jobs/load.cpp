#include "bench/jobs/load.hpp"

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

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t connect_batch = 128;
constexpr int connect_timeout_ms = 15'000;
constexpr std::uint64_t longest_end_ns = 10'000'000'000;
constexpr int quiet_ms = 300;
constexpr std::size_t error_bytes = 300;  // of an answer that is told

put_plan plan_of(const jobs_load_options& o) {
  auto plan = o.put;
  plan.authority = fmt::format("{}:{}", o.host, o.port);
  return plan;
}

}  // namespace

jobs_load::jobs_load(const jobs_load_options& options)
    : options_(options),
      source_(plan_of(options)),
      lease_(lease_request(plan_of(options).authority, options.put.queue, options.most,
                           options.wait_s)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

jobs_load::~jobs_load() {
  for (auto& c : connections_) {
    if (c.fd >= 0) close(c.fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

bool jobs_load::open(std::string& why) {
  return open_some(role::producer, options_.producers, why) &&
         open_some(role::fetcher, options_.fetchers, why) &&
         open_some(role::worker, options_.workers, why);
}

bool jobs_load::open_some(role r, std::size_t count, std::string& why) {
  auto& idle = r == role::producer  ? idle_producers_
               : r == role::fetcher ? idle_fetchers_
                                    : idle_workers_;
  while (count > 0) {
    const auto now = std::min(connect_batch, count);
    std::vector<int> sockets;
    if (!open_all(options_.host, options_.port, now, connect_timeout_ms, sockets, why)) {
      return false;
    }
    for (const int fd : sockets) {
      auto& c = connections_.emplace_back(fd, r);
      c.reader.keep_bodies(&c.body);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &c}};
      static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event));
      idle.push_back(&c);
    }
    count -= now;
    open_ += now;
  }
  return true;
}

bool jobs_load::finished() const noexcept {
  if (open_ == 0) return true;
  if (options_.acks != 0) return report_.acks + report_.errors >= options_.acks;
  return options_.puts != 0 && report_.puts + report_.errors >= options_.puts;
}

void jobs_load::run() {
  const auto start = now_ns();
  end_ns_ = start + static_cast<std::uint64_t>(options_.seconds * 1e9);
  std::array<epoll_event, 256> events;
  auto now = start;
  while (now < end_ns_ && !finished()) {
    go_on(now);
    const auto left_ms = static_cast<int>((end_ns_ - now + 999'999) / 1'000'000);
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), left_ms);
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c.fd >= 0) on_readable(c);
    }
    now = now_ns();
  }
  report_.seconds = static_cast<double>(now - start) / 1e9;
  if (options_.workers != 0) finish_held();
}

// Not counted: what was put or leased during the run is acknowledged, so that the next run finds none of it.
void jobs_load::finish_held() {
  const auto counted = report_;
  ending_ = true;
  end_ns_ = now_ns() + longest_end_ns;
  std::array<epoll_event, 256> events;
  while (open_ != 0 && now_ns() < end_ns_) {
    if (options_.producers != 0 && report_.acks >= issued_) break;
    go_on(now_ns());
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), quiet_ms);
    if (n == 0) break;  // nothing comes any more
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c.fd >= 0) on_readable(c);
    }
  }
  const auto errors = report_.errors;
  const auto first = report_.first_error;
  report_ = counted;
  report_.errors = errors;
  report_.first_error = first;
}

void jobs_load::go_on(std::uint64_t now) {
  while (!idle_producers_.empty() && !ending_) {
    if (options_.puts != 0 && issued_ >= options_.puts) break;
    if (options_.ahead != 0 && issued_ + options_.put.batch > report_.acks + options_.ahead) break;
    auto& c = *idle_producers_.back();
    idle_producers_.pop_back();
    put(c, now);
  }
  while (!idle_workers_.empty() && !held_.empty()) {
    auto& c = *idle_workers_.back();
    idle_workers_.pop_back();
    work(c);
  }
  const bool leases = !ending_ || issued_ > report_.acks;
  while (leases && !idle_fetchers_.empty() && held_.size() < options_.most) {
    auto& c = *idle_fetchers_.back();
    idle_fetchers_.pop_back();
    fetch(c);
  }
}

void jobs_load::put(connection& c, std::uint64_t now) {
  issued_ += options_.put.batch;
  c.sent_ns = now;
  out_.clear();
  source_.append_next(out_, now);
  send_all(c, out_);
}

void jobs_load::fetch(connection& c) { send_all(c, lease_); }

void jobs_load::work(connection& c) {
  out_.clear();
  append_ack(out_, fmt::format("{}:{}", options_.host, options_.port), held_.front().token);
  c.stamp = held_.front().stamp;
  held_.pop_front();
  send_all(c, out_);
}

// One request is in flight and a megabyte the most of it: what a socket's buffer does not take, poll waits for.
void jobs_load::send_all(connection& c, std::string_view bytes) {
  c.busy = true;
  while (!bytes.empty()) {
    const auto n = send(c.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return lose(c, std::strerror(errno));
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    if (now_ns() >= end_ns_ + 1'000'000'000) return lose(c, "the server takes no more bytes");
  }
}

void jobs_load::on_readable(connection& c) {
  static thread_local std::array<char, read_size> buffer;
  const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return lose(c, n == 0 ? "the server closed the connection" : std::strerror(errno));
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  bytes.remove_prefix(c.reader.feed(bytes));
  if (c.reader.failed() || (c.reader.done() && (!bytes.empty() || !c.busy)))
    return lose(c, "the answer is not what HTTP/1.1 allows");
  if (!c.reader.done()) return;
  c.busy = false;
  on_answer(c, now_ns());
  c.body.clear();
  c.reader.restart();
}

void jobs_load::on_answer(connection& c, std::uint64_t now) {
  const auto wanted = c.does == role::producer ? 201 : 200;
  if (c.reader.status() != wanted)
    note_error(fmt::format("status {}: {}", c.reader.status(), c.body.substr(0, error_bytes)));
  switch (c.does) {
    case role::producer:
      idle_producers_.push_back(&c);
      if (c.reader.status() != wanted) return;
      report_.puts += options_.put.batch;
      report_.put.add(now - c.sent_ns);
      return;
    case role::fetcher:
      idle_fetchers_.push_back(&c);
      if (c.reader.status() == wanted) on_leased(c);
      return;
    case role::worker:
      idle_workers_.push_back(&c);
      if (c.reader.status() != wanted) return;
      ++report_.acks;
      report_.end_to_end.add(now - std::min(now, c.stamp));
      return;
  }
}

void jobs_load::on_leased(connection& c) {
  if (!read_deliveries(c.body, deliveries_))
    return note_error("not a lease's answer: " + c.body.substr(0, error_bytes));
  report_.leases += deliveries_.empty() ? 0 : 1;
  for (const auto& d : deliveries_) held_.push_back({std::string(d.token), d.stamp});
}

void jobs_load::note_error(std::string text) {
  if (report_.errors++ == 0) report_.first_error = std::move(text);
}

void jobs_load::lose(connection& c, std::string why) {
  if (c.fd < 0) return;
  note_error(std::move(why));
  close(c.fd);
  c.fd = -1;
  --open_;
}

bool jobs_load::park(std::string& why) {
  end_ns_ = now_ns() + static_cast<std::uint64_t>(options_.seconds * 1e9);
  for (auto& c : connections_) {
    fetch(c);
    if (c.fd < 0) {
      why = report_.first_error;
      return false;
    }
  }
  return true;
}

std::size_t jobs_load::lost() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](const connection& c) {
        std::array<char, 1> byte;
        return recv(c.fd, byte.data(), byte.size(), MSG_PEEK | MSG_DONTWAIT) >= 0;
      }));
}

}  // namespace fairing::bench
