#include "jobs/session/push_probe.hpp"

#include <algorithm>

namespace fairing::jobs {

void push_probe::of_queue::count(std::string_view outcome) const noexcept {
  const auto* const at = std::ranges::find(outcomes, outcome);
  if (at != outcomes.end()) by_outcome[static_cast<std::size_t>(at - outcomes.begin())].add();
}

std::string_view push_probe::outcome_of(push_end e, push_fault f) noexcept {
  switch (f) {
    case push_fault::none:
      return to_string(e);
    case push_fault::absent:
      return "absent";
    case push_fault::timeout:
      return "timeout";
    case push_fault::broken:
      return "broken";
    case push_fault::stopped:
      return "stopped";
  }
  return "broken";
}

const push_probe::of_queue& push_probe::of(const std::string& queue) {
  const std::lock_guard lock(mutex_);
  auto& q = by_queue_[queue];
  if (q) return *q;
  q = std::make_unique<of_queue>();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    q->by_outcome[i] =
        registry_.add_counter("fairing_push_total", "How pushes of jobs ended.",
                              {{"queue", queue}, {"outcome", std::string(outcomes[i])}});
  q->seconds = registry_.add_histogram("fairing_push_seconds", "From a push's begin to its answer.",
                                       {{"queue", queue}});
  q->limit = std::make_shared<std::atomic<std::uint32_t>>(0);
  q->in_flight = std::make_shared<std::atomic<std::uint32_t>>(0);
  const auto show = [&](const char* name, const char* help, const auto& from) {
    guards_.push_back(registry_.add_callback(name, help, "gauge", {{"queue", queue}},
                                             [from] { return static_cast<double>(from->load()); }));
  };
  show("fairing_push_concurrency", "Pushes that the target gets at a time, as it bears.", q->limit);
  show("fairing_push_in_flight", "Pushes that wait for their answer.", q->in_flight);
  return *q;
}

}  // namespace fairing::jobs
