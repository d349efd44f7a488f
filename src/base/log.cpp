#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "base/json.hpp"
#include "base/timestamp.hpp"

namespace fairing::log {

namespace {

constexpr std::size_t kept_line_bytes = 4096;  // a thread keeps a line buffer of at most this size

class function_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit function_sink(std::function<void(std::string_view)> f) : f_(std::move(f)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    f_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> f_;
};

std::shared_ptr<spdlog::logger> make_logger(std::function<void(std::string_view)> sink) {
  spdlog::sink_ptr out;
  if (sink)
    out = std::make_shared<function_sink>(std::move(sink));
  else
    out = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("fairing", std::move(out));
  logger->set_pattern("%v");  // the line is made here, spdlog writes it
  logger->set_level(spdlog::level::trace);
  return logger;
}

struct state {
  std::mutex mutex;  // guards logger; the rest is atomic so that a level check takes no lock
  std::shared_ptr<spdlog::logger> logger = make_logger({});
  std::atomic<level> min{level::info};
  std::atomic<log::format> format{format::json};
};

// Never destroyed: threads may still log while the process exits.
state& the_state() {
  static state* s = new state;
  return *s;
}

void append_value_json(std::string& out, const value& v) {
  if (const auto* text = std::get_if<std::string_view>(&v)) {
    append_json_string(out, *text);
  } else if (const auto* number = std::get_if<double>(&v)) {
    if (std::isfinite(*number))
      fmt::format_to(std::back_inserter(out), "{}", *number);
    else
      out += "null";  // JSON has no NaN and no infinity
  } else if (const auto* flag = std::get_if<bool>(&v)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&v)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", std::get<std::uint64_t>(v));
  }
}

void append_json(std::string& out, level l, std::string_view event, fields f) {
  out += R"({"time":")";
  append_rfc3339(out, unix_ms());
  out += R"(","level":")";
  out += to_string(l);
  out += R"(","event":)";
  append_json_string(out, event);
  for (const auto& [key, v] : f) {
    out += ',';
    append_json_string(out, key);
    out += ':';
    append_value_json(out, v);
  }
  out += '}';
}

bool plain_word(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == '\x7F')
      return false;  // also bytes over 0x7F
  return true;
}

void append_text(std::string& out, level l, std::string_view event, fields f) {
  append_rfc3339(out, unix_ms());
  out += ' ';
  out += to_string(l);
  out += ' ';
  out += event;
  for (const auto& [key, v] : f) {
    out += ' ';
    out += key;
    out += '=';
    const auto* text = std::get_if<std::string_view>(&v);
    if (text != nullptr && plain_word(*text))
      out += *text;
    else
      append_value_json(out, v);
  }
}

}  // namespace

std::string_view to_string(level l) noexcept {
  switch (l) {
    case level::debug:
      return "debug";
    case level::info:
      return "info";
    case level::warn:
      return "warn";
    case level::error:
      return "error";
    case level::off:
      return "off";
  }
  return "off";
}

std::optional<level> level_from(std::string_view text) noexcept {
  for (const auto l : {level::debug, level::info, level::warn, level::error, level::off})
    if (text == to_string(l)) return l;
  return std::nullopt;
}

std::optional<format> format_from(std::string_view text) noexcept {
  if (text == "json") return format::json;
  if (text == "text") return format::text;
  return std::nullopt;
}

void configure(options o) {
  auto& s = the_state();
  auto logger = make_logger(std::move(o.sink));
  const std::lock_guard lock(s.mutex);
  s.logger.swap(logger);
  s.min.store(o.min, std::memory_order_relaxed);
  s.format.store(o.format, std::memory_order_relaxed);
}

bool enabled(level l) noexcept {
  return l != level::off && l >= the_state().min.load(std::memory_order_relaxed);
}

void write(level l, std::string_view event, fields f) {
  if (!enabled(l)) return;
  auto& s = the_state();
  thread_local std::string line;
  line.clear();
  if (s.format.load(std::memory_order_relaxed) == format::json)
    append_json(line, l, event, f);
  else
    append_text(line, l, event, f);
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(s.mutex);
    logger = s.logger;
  }
  logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  if (line.capacity() > kept_line_bytes) std::string().swap(line);
}

}  // namespace fairing::log
