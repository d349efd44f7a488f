#include "sql/logic/start_settings.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace fairing::sql {

namespace {

// Refused, or without effect, in a session that has begun.
bool begins_with_session(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names{
      "temp_buffers",          "temp_tablespaces",          "ignore_system_indexes",
      "jit_debugging_support", "jit_profiling_support",     "local_preload_libraries",
      "log_connections",       "log_disconnections",        "post_auth_delay",
      "session_authorization", "session_preload_libraries", "seed"};
  // Of one transaction: the first, as nobody can tell which that is.
  return std::ranges::find(names, name) != names.end() || name.starts_with("transaction_");
}

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Words between white space; a backslash takes the next byte as it is.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  bool within = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) {
      within = false;
      continue;
    }
    if (!std::exchange(within, true)) out.emplace_back();
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.back() += text[i];
  }
  return out;
}

bool add_option(parameter_list& out, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == 0 || equals == assignment.npos) return false;
  auto name = to_lower(assignment.substr(0, equals));
  std::ranges::replace(name, '-', '_');
  out.emplace_back(std::move(name), assignment.substr(equals + 1));
  return true;
}

}  // namespace

std::optional<parameter_list> read_options(std::string_view options) {
  parameter_list out;
  const auto words = words_of(options);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c") {
      if (++i == words.size()) return std::nullopt;
      word = words[i];
    } else if (word.starts_with("-c") || (word.starts_with("--") && word.size() > 2)) {
      word.remove_prefix(2);
    } else {
      return std::nullopt;
    }
    if (!add_option(out, word)) return std::nullopt;
  }
  return out;
}

settings_ptr known_starts::find(const parameter_list& asked) const {
  const auto at = all_.find(asked);
  return at == all_.end() ? nullptr : at->second;
}

void known_starts::add(const parameter_list& asked, settings_ptr listed) {
  if (all_.size() >= most) all_.clear();
  all_.insert_or_assign(asked, std::move(listed));
}

start_up part_start_up(const parameter_list& parameters) {
  start_up out;
  const auto take = [&](const std::string& name, const std::string& value) {
    auto& list = begins_with_session(name) ? out.fixed : out.settings;
    const auto at = std::ranges::find(list, name, &parameter_list::value_type::first);
    if (at == list.end())
      list.emplace_back(name, value);
    else
      at->second = value;
  };
  for (const auto& [name, value] : parameters) {
    if (name != "options") continue;
    const auto read = read_options(value);
    if (!read) {
      out.fixed.emplace_back(name, value);
      continue;
    }
    for (const auto& [n, v] : *read) take(n, v);
  }
  for (const auto& [name, value] : parameters)
    if (name != "options") take(name, value);
  std::ranges::sort(out.settings);
  std::ranges::sort(out.fixed);
  return out;
}

}  // namespace fairing::sql
