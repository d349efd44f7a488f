#include "metrics/block.hpp"

#include <algorithm>
#include <new>

namespace fairing::metrics::detail {

constinit thread_local block_cache this_thread_block;

namespace {

// What one thread has borrowed, of all registries; given back when the thread ends.
class thread_blocks {
 public:
  thread_blocks() = default;
  thread_blocks(const thread_blocks&) = delete;
  thread_blocks& operator=(const thread_blocks&) = delete;
  ~thread_blocks();

  [[nodiscard]] block* of(registry_impl& owner) noexcept;

 private:
  struct loan {
    std::shared_ptr<registry_impl> owner;
    block* borrowed;
  };
  void drop_closed() noexcept;
  std::vector<loan> loans_;
};

constinit thread_local bool thread_is_ending = false;
thread_local thread_blocks blocks_of_thread;

thread_blocks::~thread_blocks() {
  thread_is_ending =
      true;  // destructors of other thread locals may still count: they use the shared block
  this_thread_block = {};
  for (auto& l : loans_) l.owner->give_back(l.borrowed);
}

void thread_blocks::drop_closed() noexcept {
  std::erase_if(loans_, [](const loan& l) {
    if (!l.owner->closed.load(std::memory_order_acquire)) return false;
    if (this_thread_block.owner == l.owner.get()) this_thread_block = {};
    return true;
  });
}

block* thread_blocks::of(registry_impl& owner) noexcept {
  for (auto& l : loans_)
    if (l.owner.get() == &owner) return l.borrowed;
  drop_closed();
  try {
    loans_.reserve(loans_.size() + 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  auto* b = owner.borrow();
  if (b != nullptr) loans_.push_back({owner.shared_from_this(), b});
  return b;
}

}  // namespace

void add_slow(registry_impl* owner, std::uint32_t cell, std::uint64_t n) noexcept {
  if (owner == nullptr) return;  // a dead metric
  block* b = thread_is_ending ? nullptr : blocks_of_thread.of(*owner);
  if (b == nullptr) {
    owner->shared.cells[cell].fetch_add(n, std::memory_order_relaxed);
    return;
  }
  this_thread_block = {owner, b->cells.data()};
  auto& value = b->cells[cell];
  value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

std::string_view to_string(metric_type type) noexcept {
  switch (type) {
    case metric_type::counter:
      return "counter";
    case metric_type::gauge:
      return "gauge";
    case metric_type::histogram:
      return "histogram";
  }
  return "untyped";
}

block* registry_impl::borrow() noexcept {
  const std::lock_guard lock(mutex);
  for (const auto& free : blocks) {
    if (free->borrowed) continue;
    free->borrowed = true;
    return free.get();
  }
  try {
    blocks.push_back(std::make_unique<block>());
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  blocks.back()->borrowed = true;
  return blocks.back().get();
}

void registry_impl::give_back(block* b) noexcept {
  const std::lock_guard lock(mutex);
  b->borrowed = false;
}

std::uint64_t registry_impl::sum(std::uint32_t cell) const noexcept {
  std::uint64_t total = shared.cells[cell].load(std::memory_order_relaxed);
  for (const auto& b : blocks) total += b->cells[cell].load(std::memory_order_relaxed);
  return total;
}

void registry_impl::release(const series* s) {
  const std::lock_guard lock(mutex);
  for (auto& f : families) {
    const auto at = std::find_if(f.members.begin(), f.members.end(),
                                 [s](const auto& m) { return m.get() == s; });
    if (at == f.members.end()) continue;
    if (--(*at)->scopes > 0 || (*at)->permanent) return;
    const auto count =
        f.type == metric_type::histogram ? static_cast<std::uint32_t>(s->bounds_us.size()) + 2 : 1U;
    for (std::uint32_t c = s->cell; c < s->cell + count; ++c) {
      shared.cells[c].store(0, std::memory_order_relaxed);
      for (const auto& b : blocks) b->cells[c].store(0, std::memory_order_relaxed);
    }
    free_cells.emplace_back(count, s->cell);
    f.members.erase(at);
    return;
  }
}

}  // namespace fairing::metrics::detail
