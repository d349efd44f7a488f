#include "bus/write_sets.hpp"

#include <algorithm>
#include <mutex>

#include "base/hash.hpp"

namespace fairing::bus {

std::uint64_t trace_key(std::string_view trace_id) noexcept {
  const auto key = hash64(trace_id, process_seed());
  return key == 0 ? 1 : key;
}

write_sets::entry* write_sets::find(std::uint64_t key) noexcept {
  const auto at = sets_.find(key);
  return at == sets_.end() ? nullptr : &at->second;
}

void write_sets::begin(std::uint64_t key) {
  const std::lock_guard lock(lock_);
  if (sets_.size() >= most_open && !sets_.contains(key))
    sets_.erase(std::ranges::min_element(sets_, {}, [](const auto& s) { return s.second.serial; }));
  sets_[key] = {.serial = ++serial_, .set = {}};
  open_.store(sets_.size(), std::memory_order_relaxed);
}

std::optional<write_set> write_sets::end(std::uint64_t key) {
  const std::lock_guard lock(lock_);
  const auto at = sets_.find(key);
  if (at == sets_.end()) return std::nullopt;
  auto out = std::move(at->second.set);
  sets_.erase(at);
  open_.store(sets_.size(), std::memory_order_relaxed);
  return out;
}

bool write_sets::watches(std::uint64_t key) const noexcept {
  if (open() == 0) return false;
  const std::lock_guard lock(lock_);
  return sets_.contains(key);
}

void write_sets::saw_statement(std::uint64_t key, bool failed) noexcept {
  const std::lock_guard lock(lock_);
  auto* e = find(key);
  if (e == nullptr) return;
  ++e->set.statements;
  e->set.failures += failed;
}

void write_sets::add(std::uint64_t key, write w) {
  const std::lock_guard lock(lock_);
  auto* e = find(key);
  if (e == nullptr) return;
  if (e->set.writes.size() >= most_writes)
    e->set.incomplete = true;
  else
    e->set.writes.push_back(std::move(w));
}

void write_sets::undone_in_part(std::uint64_t key) noexcept {
  const std::lock_guard lock(lock_);
  if (auto* e = find(key)) e->set.undone_in_part = true;
}

void write_sets::incomplete(std::uint64_t key) noexcept {
  const std::lock_guard lock(lock_);
  if (auto* e = find(key)) e->set.incomplete = true;
}

}  // namespace fairing::bus
