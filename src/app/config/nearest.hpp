// nearest: which of the known words someone meant who wrote another.
//
// Distance: Damerau-Levenshtein restricted to adjacent swaps (optimal string alignment), so that
// `cahce` is one away from `cache`. Cost: words of more than 64 characters are never near anything.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairing::config {

[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, if it is near enough to be a slip: at most a third of the letters, at
// least one. A word that begins with `word`, or that it begins with, counts as near too.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> known);

// "; did you mean `cache`?" or "".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace fairing::config
