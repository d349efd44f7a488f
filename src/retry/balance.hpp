// balance: chooses the upstream of a request.
//
// Problem: a slow upstream must get less; weights must hold; one that is out must get nothing, but
// when all are out trying is better than refusing (panic mode).
//
// Flow:
//   balancer b(balance_policy::least, upstreams.size());
//   auto c = b.choose(views, random64());        // views: one upstream_view each, in a fixed order
//   retry: b.choose(views, random64(), c->index) // another one, if there is another
// least: of two drawn at random by weight, the one with fewer requests in flight for its weight
// ("power of two choices").
// round_robin: smooth weighted round robin (each step all gain their
// weight, the largest is taken and pays the total).
// Threads: one (a core's own). Pure: randomness is given.
// Cost: a few passes over the upstreams.
// Source: Mitzenmacher, "The power of two choices in randomized load balancing".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace fairing::retry {

enum class balance_policy : std::uint8_t {
  least,        // fewest requests in flight of two drawn
  round_robin,  // each in turn, by weight
};
[[nodiscard]] std::optional<balance_policy> balance_policy_from(std::string_view text) noexcept;

struct upstream_view {
  std::uint32_t weight = 1;     // 0: takes nothing but in panic mode
  std::uint32_t in_flight = 0;  // requests it is working on now
  bool usable = true;           // healthy, not ejected, breaker not open
};

inline constexpr std::size_t no_upstream = static_cast<std::size_t>(-1);

struct choice {
  std::size_t index;
  bool panic;  // none was usable: all are used
};

class balancer {
 public:
  balancer(balance_policy policy, std::size_t upstreams) : policy_(policy), credit_(upstreams, 0) {}

  // nullopt only without upstreams. `avoid` (the one a retry failed on) is taken only if there is
  // no other.
  [[nodiscard]] std::optional<choice> choose(std::span<const upstream_view> upstreams,
                                             std::uint64_t random, std::size_t avoid = no_upstream);

 private:
  [[nodiscard]] std::size_t least(std::span<const upstream_view> upstreams,
                                  std::uint64_t random) const;
  [[nodiscard]] std::size_t round_robin(std::span<const upstream_view> upstreams);

  balance_policy policy_;
  std::vector<std::int64_t> credit_;  // round robin's standing
  std::vector<std::uint64_t> share_;  // effective weights of this choice; 0: not a candidate
};

}  // namespace fairing::retry
