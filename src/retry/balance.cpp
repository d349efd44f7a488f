#include "retry/balance.hpp"

#include <algorithm>
#include <numeric>

namespace fairing::retry {

namespace {

constexpr std::uint64_t max_weight = 1'000'000;  // sums and products fit in 64 bits

// Which candidate the point `random` (32 bits) of the summed weights falls on.
std::size_t draw(std::span<const std::uint64_t> share, std::uint64_t total, std::uint32_t random,
                 std::size_t except) {
  auto point = (static_cast<unsigned __int128>(random) * total) >> 32;
  std::size_t last = no_upstream;
  for (std::size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || i == except) continue;
    last = i;
    if (point < share[i]) return i;
    point -= share[i];
  }
  return last;
}

}  // namespace

std::optional<balance_policy> balance_policy_from(std::string_view text) noexcept {
  if (text == "least") return balance_policy::least;
  if (text == "round_robin") return balance_policy::round_robin;
  return std::nullopt;
}

std::optional<choice> balancer::choose(std::span<const upstream_view> upstreams,
                                       std::uint64_t random, std::size_t avoid) {
  if (upstreams.empty()) return std::nullopt;
  share_.assign(upstreams.size(), 0);
  bool any = false;
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    if (!upstreams[i].usable) continue;
    share_[i] = std::min<std::uint64_t>(upstreams[i].weight, max_weight);
    any = any || share_[i] > 0;
  }
  if (!any)
    for (std::size_t i = 0; i < upstreams.size(); ++i)
      share_[i] = std::clamp<std::uint64_t>(upstreams[i].weight, 1, max_weight);

  if (avoid < share_.size()) {
    const auto candidates =
        std::count_if(share_.begin(), share_.end(), [](auto s) { return s > 0; });
    if (candidates > 1) share_[avoid] = 0;
  }
  const auto index =
      policy_ == balance_policy::least ? least(upstreams, random) : round_robin(upstreams);
  return choice{index, !any};
}

std::size_t balancer::least(std::span<const upstream_view> upstreams, std::uint64_t random) const {
  const auto total = std::accumulate(share_.begin(), share_.end(), std::uint64_t{0});
  const auto first = draw(share_, total, static_cast<std::uint32_t>(random >> 32), no_upstream);
  const auto rest = total - share_[first];
  if (rest == 0) return first;
  const auto second = draw(share_, rest, static_cast<std::uint32_t>(random), first);
  // in_flight / weight, compared without division; a tie goes to the first, which was drawn by
  // weight.
  const auto first_load = upstreams[first].in_flight * share_[second];
  const auto second_load = upstreams[second].in_flight * share_[first];
  return second_load < first_load ? second : first;
}

std::size_t balancer::round_robin(std::span<const upstream_view> upstreams) {
  credit_.resize(upstreams.size(), 0);
  std::int64_t total = 0;
  std::size_t best = no_upstream;
  for (std::size_t i = 0; i < share_.size(); ++i) {
    if (share_[i] == 0) continue;
    const auto weight = static_cast<std::int64_t>(share_[i]);
    credit_[i] += weight;
    total += weight;
    if (best == no_upstream || credit_[i] > credit_[best]) best = i;
  }
  credit_[best] -= total;
  return best;
}

}  // namespace fairing::retry
