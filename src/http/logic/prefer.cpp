#include "http/logic/prefer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ascii.hpp"

namespace fairing::http {

namespace {

constexpr std::uint64_t longest_s = 86'400;

struct preference {
  std::string_view name;
  std::string_view value;  // without quotes
};

preference read(std::string_view element) {
  element = trim_ows(element.substr(0, element.find(';')));
  const auto equals = element.find('=');
  preference p{trim_ows(element.substr(0, equals)), {}};
  if (equals == std::string_view::npos) return p;
  p.value = trim_ows(element.substr(equals + 1));
  if (p.value.size() >= 2 && p.value.front() == '"' && p.value.back() == '"')
    p.value = p.value.substr(1, p.value.size() - 2);
  return p;
}

// False: a quoted string in it does not end. Joined with what follows it would swallow that, or set free what it quotes.
bool is_closed(std::string_view element) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < element.size(); ++i) {
    if (quoted && element[i] == '\\')
      ++i;
    else if (element[i] == '"')
      quoted = !quoted;
  }
  return !quoted;
}

std::optional<milliseconds> read_seconds(std::string_view text) {
  std::uint64_t n = 0;
  const auto* const end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, n);
  if (text.empty() || r.ptr != end) return std::nullopt;
  if (r.ec != std::errc{}) n = longest_s;
  return seconds{std::min(n, longest_s)};
}

}  // namespace

preferences preferences_of(const http1::request_head& head) {
  preferences out;
  bool waits = false;
  head.for_each_element(http1::field::prefer, [&](std::string_view element) {
    const auto p = read(element);
    if (iequals(p.name, "respond-async")) out.respond_async = true;
    if (!iequals(p.name, "wait") || std::exchange(waits, true)) return;
    out.wait = read_seconds(p.value);
  });
  return out;
}

std::string other_preferences(const http1::request_head& head) {
  std::string out;
  head.for_each_element(http1::field::prefer, [&](std::string_view element) {
    const auto p = read(element);
    if (p.name.empty() || iequals(p.name, "respond-async") || iequals(p.name, "wait")) return;
    if (!is_closed(element)) return;
    out.append(out.empty() ? "" : ", ").append(trim_ows(element));
  });
  return out;
}

}  // namespace fairing::http
