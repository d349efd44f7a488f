// value: one typed value of the configuration, between its text and the struct member it belongs
// to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace fairing::config {

// One of a field's words; index is its place in the list, and the enumerator's value.
struct word {
  std::size_t index = 0;
  std::string text;
};

using value = std::variant<std::monostate,  // not said
                           bool, std::uint64_t, double, milliseconds, std::string,
                           std::vector<std::string>, rate, word, std::vector<word>>;

}  // namespace fairing::config
