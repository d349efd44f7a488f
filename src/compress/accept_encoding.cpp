#include <algorithm>

#include "base/ascii.hpp"
#include "compress/encoder.hpp"

namespace fairing::compress {

namespace {

constexpr int not_named = -1;

// qvalue of RFC 9110 §12.4.2 in thousandths; nullopt for anything else.
std::optional<std::uint16_t> parse_q(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = (text[0] - '0') * 1000;
  int scale = 100;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return std::nullopt;
    value += (c - '0') * scale;
    scale /= 10;
  }
  if (value > 1000) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

struct element {
  std::string_view name;
  int q;
};

// `name`, `name;q=0.5`. What is not understood (a bad q, another parameter) counts as q=0: sending
// an encoding that was perhaps refused is worse than sending a larger body.
element parse_element(std::string_view text) noexcept {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return {text, 1000};
  const auto name = trim_ows(text.substr(0, semicolon));
  const auto weight = trim_ows(text.substr(semicolon + 1));
  if (weight.size() < 2 || ascii_lower(weight[0]) != 'q' || weight[1] != '=') return {name, 0};
  return {name, parse_q(weight.substr(2)).value_or(0)};
}

// Named twice: the lower word counts.
void note(int& q, int named) noexcept { q = q == not_named ? named : std::min(q, named); }

}  // namespace

accepted parse_accept_encoding(std::string_view value) noexcept {
  int q[coding_count];
  std::fill(std::begin(q), std::end(q), not_named);
  int any = not_named;
  for_each_list_element(value, [&](std::string_view text) {
    const auto e = parse_element(text);
    if (e.name == "*")
      note(any, e.q);
    else if (const auto c = coding_from(e.name))
      note(q[static_cast<std::size_t>(*c)], e.q);
  });

  accepted out;
  constexpr auto identity = static_cast<std::size_t>(coding::identity);
  for (std::size_t i = 0; i < coding_count; ++i) {
    if (q[i] == not_named && i != identity) q[i] = std::max(any, 0);
    out.q[i] = static_cast<std::uint16_t>(std::max(q[i], 0));
  }
  // Identity is acceptable unless it is refused by name, or by `*;q=0` without its name (§12.5.3).
  if (q[identity] == not_named) {
    if (any == 0)
      out.q[identity] = 0;
    else
      out.q[identity] = any == not_named ? std::uint16_t{1} : static_cast<std::uint16_t>(any);
    // Nothing asked for at all: identity first.
    if (trim_ows(value).empty()) out.q[identity] = 1000;
  }
  return out;
}

std::optional<coding> choose(const accepted& a, std::span<const coding> offered) noexcept {
  std::optional<coding> best;
  std::uint16_t best_q = 0;
  for (const auto c : offered) {
    const auto q = a.q[static_cast<std::size_t>(c)];
    if (q > best_q) {
      best = c;
      best_q = q;
    }
  }
  // A client that rates identity above every coding offered gets identity.
  const auto identity_q = a.q[static_cast<std::size_t>(coding::identity)];
  if (identity_q > best_q) return coding::identity;
  return best;
}

}  // namespace fairing::compress
