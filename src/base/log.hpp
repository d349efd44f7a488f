// log: structured logging to stderr, one event a line, as JSON or as text.
//
// Problem: logs are read by machines first. An event has a fixed name (snake_case, never built from
// data) and typed fields; what a peer sent is escaped and cannot forge a line. Secrets are never
// passed here.
//
// Flow:
//   log::configure({.min = log::level::info, .format = log::format::json});
//   log::info("listening", {{"plane", "http"}, {"address", address}});
//   log::once_per_change<bool> l2_up{true};
//   if (l2_up.changed(false)) log::warn("shared_cache_down", {{"tier", "l2"}});
// A JSON line:
// {"time":"2026-11-22T10:00:00.123Z","level":"info","event":"listening","plane":"http"} Not for a
// line a request: access logs are written in bulk by their own writer, with base/json. Threads:
// everything from any thread; lines are whole. Before configure(): info, JSON, stderr. Cost: about
// a microsecond and one write; an event below the level costs one relaxed load.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace fairing::log {

enum class level : std::uint8_t {
  debug,  // what a developer follows step by step
  info,   // a change of state that an operator expects
  warn,   // a fallback was taken; nothing is lost
  error,  // something asked for was not done
  off,    // as a configured level: nothing is written
};
[[nodiscard]] std::string_view to_string(level l) noexcept;
[[nodiscard]] std::optional<level> level_from(std::string_view text) noexcept;

enum class format : std::uint8_t {
  json,  // one JSON object a line
  text,  // time, level, event, key=value ...: for a person at a terminal
};
[[nodiscard]] std::optional<format> format_from(std::string_view text) noexcept;

struct options {
  level min = level::info;
  log::format format = log::format::json;
  // Gets each line without its newline instead of stderr; one call at a time.
  std::function<void(std::string_view line)> sink;
};
void configure(options o);

using value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

// A key and a value, both borrowed until the call returns.
struct field {
  std::string_view key;
  log::value value;

  field(std::string_view k, std::string_view v) : key(k), value(v) {}
  field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  field(std::string_view k, bool v) : key(k), value(v) {}
  template <std::signed_integral T>
  field(std::string_view k, T v) : key(k), value(static_cast<std::int64_t>(v)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  field(std::string_view k, T v) : key(k), value(static_cast<std::uint64_t>(v)) {}
  template <std::floating_point T>
  field(std::string_view k, T v) : key(k), value(static_cast<double>(v)) {}
};
using fields = std::initializer_list<field>;

// Would an event of this level be written?
[[nodiscard]] bool enabled(level l) noexcept;
void write(level l, std::string_view event, fields f = {});

inline void debug(std::string_view event, fields f = {}) { write(level::debug, event, f); }
inline void info(std::string_view event, fields f = {}) { write(level::info, event, f); }
inline void warn(std::string_view event, fields f = {}) { write(level::warn, event, f); }
inline void error(std::string_view event, fields f = {}) { write(level::error, event, f); }

// Tells whether a state differs from the one last told, so that a fallback is logged once per
// change and not once per request. Of several threads that tell the same change exactly one gets
// true.
template <class T>
class once_per_change {
 public:
  explicit once_per_change(T initial) noexcept : last_(initial) {}
  [[nodiscard]] bool changed(T now) noexcept {
    if (last_.load(std::memory_order_relaxed) == now)
      return false;  // the usual case writes nothing
    return last_.exchange(now, std::memory_order_relaxed) != now;
  }

 private:
  std::atomic<T> last_;
};

}  // namespace fairing::log
