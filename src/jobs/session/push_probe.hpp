// push_probe: metrics of pushes, by queue.
//
// Flow:  push_probe p(registry);  const auto& q = p.of("emails");  q.count(push_probe::outcome_of(end, fault));
// Labels: queues of the configuration, so a fixed set. Threads: of() from any; counting from any.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/logic/push_verdict.hpp"
#include "metrics/registry.hpp"

namespace fairing::jobs {

class push_probe {
 public:
  static constexpr std::array<std::string_view, 8> outcomes{
      "done", "later", "retry", "dead", "absent", "timeout", "broken", "stopped"};

  struct of_queue {
    metrics::histogram seconds;
    std::array<metrics::counter, outcomes.size()> by_outcome;
    std::shared_ptr<std::atomic<std::uint32_t>> limit;
    std::shared_ptr<std::atomic<std::uint32_t>> in_flight;
    void count(std::string_view outcome) const noexcept;
  };

  explicit push_probe(metrics::registry& r) : registry_(r) {}
  [[nodiscard]] const of_queue& of(const std::string& queue);
  // The fault's word, else the verdict's.
  [[nodiscard]] static std::string_view outcome_of(push_end e, push_fault f) noexcept;

 private:
  metrics::registry& registry_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<of_queue>> by_queue_;  // only ever grows
  std::vector<metrics::registry::guard> guards_;
};

}  // namespace fairing::jobs
