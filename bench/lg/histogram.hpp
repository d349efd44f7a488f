// histogram: how long requests took, in 64 linear steps a power of two (an error of at most 1.6 %).
//
// Problem: percentiles of millions of latencies without keeping or sorting them.
// Flow: add(ns) for each request; then percentile_us(0.99), max_us().
// Threads: one. Cost: one increment an add; 22 KiB.
// Source: the bucket layout is that of HdrHistogram (Gil Tene), reduced to what is needed here.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fairing::bench {

class histogram {
 public:
  void add(std::uint64_t ns) noexcept {
    ++counts_[bucket_of(ns)];
    ++total_;
    max_ns_ = std::max(max_ns_, ns);
  }

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] double max_us() const noexcept { return static_cast<double>(max_ns_) / 1e3; }

  // The smallest bucket's upper edge that at least `share` (0..1) of the values do not exceed, in
  // microseconds; 0 while nothing was added.
  [[nodiscard]] double percentile_us(double share) const noexcept {
    if (total_ == 0) return 0;
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(share * static_cast<double>(total_) + 0.999999));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted) return static_cast<double>(std::min(upper_edge(i), max_ns_)) / 1e3;
    }
    return max_us();
  }

 private:
  static constexpr unsigned step_bits = 6;
  static constexpr unsigned top_bit = 40;  // about 18 minutes; longer ones share the last bucket

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t ns) noexcept {
    ns = std::min(ns, (std::uint64_t{1} << top_bit) - 1);
    if (ns < (1U << step_bits)) return static_cast<std::size_t>(ns);
    const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1 - step_bits;
    return (static_cast<std::size_t>(power) << step_bits) + static_cast<std::size_t>(ns >> power);
  }

  [[nodiscard]] static std::uint64_t upper_edge(std::size_t bucket) noexcept {
    const std::size_t steps = std::size_t{1} << step_bits;
    if (bucket < 2 * steps) return bucket;
    const std::size_t power = (bucket >> step_bits) - 1;
    const std::uint64_t mantissa = bucket - (power << step_bits);
    return ((mantissa + 1) << power) - 1;
  }

  std::array<std::uint64_t, (top_bit - step_bits + 1) << step_bits> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ns_ = 0;
};

}  // namespace fairing::bench
