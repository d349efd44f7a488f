// queue_view: the queues as of the last look of the writer, for whoever shows or names them.
//
// Flow:  view.publish(states);  auto now = view.get();  now->name_of(number)
// Threads: any; a short lock, then an immutable value.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/logic/engine.hpp"

namespace fairing::jobs {

struct queue_list {
  std::vector<engine::queue_state> states;

  [[nodiscard]] const engine::queue_state* find(std::string_view name) const noexcept {
    for (const auto& s : states)
      if (s.row.name == name) return &s;
    return nullptr;
  }
  [[nodiscard]] std::string_view name_of(std::uint32_t number) const noexcept {
    for (const auto& s : states)
      if (s.row.number == number) return s.row.name;
    return {};
  }
};

class queue_view {
 public:
  void publish(std::vector<engine::queue_state> states) {
    auto next = std::make_shared<const queue_list>(queue_list{std::move(states)});
    const std::lock_guard lock(mutex_);
    list_.swap(next);
  }
  [[nodiscard]] std::shared_ptr<const queue_list> get() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const queue_list> list_ = std::make_shared<const queue_list>();
};

}  // namespace fairing::jobs
