#include "app/config/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace fairing::config {

namespace {
constexpr std::size_t max_length = 64;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cell((a.size() + 1) * width);
  for (std::size_t i = 0; i <= a.size(); ++i) cell[i * width] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      auto best = std::min({cell[(i - 1) * width + j] + 1, cell[i * width + j - 1] + 1,
                            cell[(i - 1) * width + j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, cell[(i - 2) * width + j - 2] + 1);
      cell[i * width + j] = best;
    }
  }
  return cell.back();
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  if (word.empty() || word.size() > max_length) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = SIZE_MAX;
  for (const auto& candidate : known) {
    if (candidate.size() > max_length) continue;
    const auto longer = std::max(word.size(), candidate.size());
    auto distance = edit_distance(word, candidate);
    const bool prefix = word.size() >= 3 && candidate.size() >= 3 &&
                        (candidate.starts_with(word) || word.starts_with(candidate));
    if (distance > std::max<std::size_t>(1, longer / 3) && !prefix) continue;
    if (distance == longer) continue;  // nothing in common
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const auto found = nearest(word, known);
  return found ? fmt::format("; did you mean `{}`?", *found) : std::string{};
}

}  // namespace fairing::config
