#include "http/session/access_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/timestamp.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t queue_limit = 1024;

int open_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

// Bytes that could not be written.
std::size_t write_all(int fd, std::string_view lines) {
  while (!lines.empty()) {
    const auto n = ::write(fd, lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    lines.remove_prefix(static_cast<std::size_t>(n));
  }
  return lines.size();
}
}  // namespace

log_target::~log_target() {
  if (!path_.empty()) ::close(fd_);
}

access_log::access_log(log_target to, bool buffered)
    : to_(std::move(to)),
      enabled_(!to_.is_off()),
      buffered_(buffered),
      writer_(std::make_unique<net::offload>("access-log", queue_limit, false)) {}

result<std::unique_ptr<access_log>> access_log::open(const std::string& to, bool buffered) {
  auto target = open_target(to);
  if (!target) return std::unexpected(target.error());
  return std::unique_ptr<access_log>(new access_log(std::move(*target), buffered));
}

result<log_target> access_log::open_target(const std::string& to) {
  if (to.empty() || to == "off") return log_target{};
  if (to == "stderr") return log_target{STDERR_FILENO, {}};
  if (to == "stdout") return log_target{STDOUT_FILENO, {}};
  const int fd = open_log(to);
  if (fd < 0)
    return fail(std::error_code(errno, std::system_category()),
                "cannot open the access log " + to + ": " + std::strerror(errno) +
                    "; its directory must be there and writable, or write stderr, stdout or off");
  return log_target{fd, to};
}

access_log::~access_log() {
  writer_->drain();
  writer_.reset();
}

void access_log::write(std::string lines) {
  const auto size = lines.size();
  const bool taken = writer_->submit([this, text = std::move(lines)] {
    static log::once_per_change<bool> failing{false};
    if (to_.is_off()) return;  // lines of before a reload that turned it off
    errno = ENOSPC;            // what a write of nothing means
    const auto lost = write_all(to_.fd(), text);
    const int reason = errno;
    dropped_.fetch_add(lost, std::memory_order_relaxed);
    if (failing.changed(lost > 0)) {
      if (lost > 0)
        log::error("access_log_failing", {{"to", to_.path()}, {"reason", std::strerror(reason)}});
      else
        log::info("access_log_writing", {{"to", to_.path()}});
    }
  });
  if (!taken) dropped_.fetch_add(size, std::memory_order_relaxed);
}

bool access_log::change(log_target next, bool buffered) {
  const bool on = !next.is_off();
  if (!writer_->submit([this, to = std::move(next)]() mutable { to_ = std::move(to); }))
    return false;
  enabled_ = on;
  buffered_ = buffered;
  return true;
}

void access_log::reopen() {
  const bool taken = writer_->submit([this] {
    if (to_.path().empty()) return;
    if (auto fresh = open_target(to_.path()))
      to_ = std::move(*fresh);
    else
      log::warn("access_log_not_reopened", {{"reason", fresh.error().message()}});
  });
  if (!taken) log::warn("access_log_not_reopened", {{"reason", "its writer is behind"}});
}

void append_access_line(std::string& out, const exchange_record& r) {
  const auto text = [&](std::string_view key, std::string_view value) {
    out += ",\"";
    out += key;
    out += "\":";
    append_json_string(out, value);
  };
  const auto number = [&](std::string_view key, std::int64_t value) {
    out += ",\"";
    out += key;
    out += "\":";
    out += std::to_string(value);
  };
  out += "{\"time\":\"";
  append_rfc3339(out, r.time_ms);
  out += '"';
  text("trace_id", r.trace_id);
  text("client", r.client_ip);
  text("method", r.method);
  text("host", r.authority);
  text("target", r.target);
  number("status", r.status);
  number("bytes", static_cast<std::int64_t>(r.bytes_out));
  number("duration_us", r.duration_us);
  text("site", r.site);
  text("route", r.route);
  text("cache", r.result);
  text("cache_status", r.cache_status);
  if (!r.problem.empty()) text("problem", r.problem);
  text("user_agent", r.user_agent);
  out += "}\n";
}

}  // namespace fairing::http
