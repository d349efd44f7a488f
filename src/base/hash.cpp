#include "base/hash.hpp"

#include <sys/random.h>

#include <ctime>

namespace fairing {

std::uint64_t process_seed() noexcept {
  static const std::uint64_t seed = [] {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
      value = mix64(static_cast<std::uint64_t>(::time(nullptr)));
    return value | 1U;
  }();
  return seed;
}

}  // namespace fairing
