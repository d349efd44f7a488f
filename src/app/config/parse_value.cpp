// Texts into typed values, and the sentences for those that are not.
#include <fmt/format.h>

#include <charconv>

#include "app/config/decode.hpp"
#include "app/config/nearest.hpp"
#include "base/ascii.hpp"
#include "base/units.hpp"

namespace fairing::config {

namespace {

std::optional<bool> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"true", "on", "yes"})
    if (iequals(text, yes)) return true;
  for (const std::string_view no : {"false", "off", "no"})
    if (iequals(text, no)) return false;
  return std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  double out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc{} || end != text.data() + text.size() || !(out >= 0)) return std::nullopt;
  return out;
}

std::string outside(const field& f, std::string_view least, std::string_view most) {
  if (f.most == UINT64_MAX) return fmt::format("must be at least {}", least);
  return fmt::format("must be between {} and {}", least, most);
}

// A scalar whose number lies in [least, most] of the row, shown by `show`.
template <class T, class Show>
value ranged(const field& f, const std::optional<T>& parsed, std::uint64_t number,
             std::string_view what, Show show, std::string& problem) {
  if (!parsed && f.kind == field_kind::integer && f.most != UINT64_MAX)
    problem = fmt::format("is not {}; write one from {} to {}{}", what, show(f.least), show(f.most),
                          takes_auto(f) ? ", or auto" : "");
  else if (!parsed)
    problem = fmt::format("is not {}", what);
  else if (number < f.least || number > f.most)
    problem = outside(f, show(f.least), show(f.most)) + (takes_auto(f) ? ", or auto" : "");
  else
    return *parsed;
  return std::monostate{};
}

value parse_word(const field& f, const std::string& text, std::string& problem) {
  const auto known = words_of(f);
  for (std::size_t i = 0; i < known.size(); ++i)
    if (text == known[i]) return word{i, text};
  // What other YAML readers take for the same boolean.
  const auto as_bool = parse_boolean(text);
  for (std::size_t i = 0; as_bool && i < known.size(); ++i)
    if (known[i] == (*as_bool ? "on" : "off")) return word{i, known[i]};
  problem = fmt::format("is not one of {}{}", fmt::join(known, ", "), did_you_mean(text, known));
  return std::monostate{};
}

value parse_scalar(const field& f, const std::string& text, std::string& problem) {
  const auto plain = [](std::uint64_t n) { return fmt::format("{}", n); };
  switch (f.kind) {
    case field_kind::boolean: {
      if (const auto b = parse_boolean(text)) return *b;
      problem = "is not true or false";
      return std::monostate{};
    }
    case field_kind::integer: {
      if (takes_auto(f) && text == "auto") return std::monostate{};
      const auto n = parse_digits(text);
      return ranged(f, n, n.value_or(0), "a whole number", plain, problem);
    }
    case field_kind::number: {
      const auto d = parse_number(text);
      if (!d)
        problem = "is not a number";
      else if (f.most != UINT64_MAX && *d > static_cast<double>(f.most))
        problem = outside(f, plain(f.least), plain(f.most));
      else
        return *d;
      return std::monostate{};
    }
    case field_kind::share: {
      auto d = parse_percent(text);
      if (!d) d = parse_number(text);
      if (d && *d >= 0 && *d <= 1) return *d;
      problem = "is not a share; write 10% or 0.1";
      return std::monostate{};
    }
    case field_kind::size: {
      const auto n = parse_size(text);
      return ranged(f, n, n.value_or(0), "a size; write 512B, 64KiB, 256MiB or 1GiB", format_size,
                    problem);
    }
    case field_kind::duration: {
      const auto d = parse_duration(text);
      const auto number = d ? static_cast<std::uint64_t>(d->count()) : 0;
      const auto show = [](std::uint64_t ms) {
        return format_duration(milliseconds{static_cast<std::int64_t>(ms)});
      };
      return ranged(f, d, number, "a duration; write 250ms, 5s, 1m30s or 2h", show, problem);
    }
    case field_kind::rate: {
      const auto r = parse_rate(text);
      if (r && r->count > 0) return *r;
      problem = "is not a rate; write 10/m, 100/s or 20/10s";
      return std::monostate{};
    }
    case field_kind::word:
      return parse_word(f, text, problem);
    default:
      return text;
  }
}

value parse_list(const field& f, const node& n, std::string& problem) {
  std::vector<std::string> texts;
  std::vector<word> words;
  const std::vector<node> alone =
      n.kind == node_kind::scalar ? std::vector<node>{n} : std::vector<node>{};
  for (const auto& item : n.kind == node_kind::sequence ? n.items : alone) {
    if (item.kind != node_kind::scalar) {
      problem = "is a list of words; one of its items is not a word";
      return std::monostate{};
    }
    if (f.kind == field_kind::text_list) {
      texts.push_back(item.text);
      continue;
    }
    const value w = parse_word(f, item.text, problem);
    if (!problem.empty()) {
      problem = fmt::format("holds `{}`, which {}", item.written, problem);
      return std::monostate{};
    }
    words.push_back(std::get<word>(w));
  }
  if (f.kind == field_kind::text_list) return texts;
  return words;
}

}  // namespace

value parse_value(const field& f, const node& n, std::string& problem) {
  const bool list = f.kind == field_kind::text_list || f.kind == field_kind::word_list;
  if (n.kind == node_kind::mapping || (n.kind == node_kind::sequence && !list)) {
    problem =
        fmt::format("is one value, not a {}", n.kind == node_kind::mapping ? "mapping" : "list");
    return std::monostate{};
  }
  if (list) return parse_list(f, n, problem);
  value v = parse_scalar(f, n.text, problem);
  if (!problem.empty() && !f.secret) problem = fmt::format("`{}` {}", n.written, problem);
  return v;
}

}  // namespace fairing::config
