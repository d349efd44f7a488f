#include "sql/logic/watched_sessions.hpp"

namespace fairing::sql {

namespace {
constexpr std::size_t bytes_of_one = 64UL * 1024;  // what a session may come to need
}  // namespace

void watched_sessions::unlink(std::uint32_t slot) noexcept {
  auto& p = slots_[slot];
  (p.newer == none ? newest_ : slots_[p.newer].older) = p.older;
  (p.older == none ? oldest_ : slots_[p.older].newer) = p.newer;
}

void watched_sessions::to_front(std::uint32_t slot) noexcept {
  unlink(slot);
  slots_[slot].newer = none;
  slots_[slot].older = newest_;
  (newest_ == none ? oldest_ : slots_[newest_].newer) = slot;
  newest_ = slot;
}

void watched_sessions::to_back(std::uint32_t slot) noexcept {
  unlink(slot);
  slots_[slot].older = none;
  slots_[slot].newer = oldest_;
  (oldest_ == none ? newest_ : slots_[oldest_].older) = slot;
  oldest_ = slot;
}

std::optional<std::uint32_t> watched_sessions::find_place(std::int64_t now_us) {
  const auto idle = [&](std::int64_t us) {
    return oldest_ != none && (slots_[oldest_].key == 0 || now_us - slots_[oldest_].used_us > us);
  };
  if (idle(limits_.source_age_us)) return oldest_;
  if (slots_.size() < most_ && room_.left >= bytes_of_one) {
    const auto slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back().tracker =
        std::make_unique<advise::session_tracker>(facts_, limits_, &room_);
    // At the end of the list, by hand: it is in none yet.
    slots_[slot].newer = oldest_;
    (oldest_ == none ? newest_ : slots_[oldest_].older) = slot;
    oldest_ = slot;
    return slot;
  }
  if (idle(limits_.gap_us)) return oldest_;
  if (slots_.empty()) return std::nullopt;
  const auto looked_at = static_cast<std::uint32_t>(hand_++ % slots_.size());
  if (now_us - slots_[looked_at].since_us > limits_.source_age_us) return looked_at;
  return std::nullopt;
}

std::optional<std::uint32_t> watched_sessions::admit(std::uint64_t key, std::int64_t now_us,
                                                     advise::run_sink& sink) {
  if (const auto at = slots_of_.find(key); at != slots_of_.end()) return at->second;
  const auto slot = find_place(now_us);
  if (!slot) return std::nullopt;
  auto& p = slots_[*slot];
  p.tracker->finish(sink);
  if (room_.left < bytes_of_one) p.tracker->release();
  if (p.key != 0) slots_of_.erase(p.key);
  p.key = key;
  p.since_us = now_us;
  slots_of_.emplace(key, *slot);
  return slot;
}

bool watched_sessions::leave(std::uint64_t key, advise::run_sink& sink) {
  const auto at = slots_of_.find(key);
  if (at == slots_of_.end()) return false;
  const auto slot = at->second;
  slots_of_.erase(at);
  slots_[slot].tracker->finish(sink);
  slots_[slot].key = 0;
  to_back(slot);
  return true;
}

void watched_sessions::set_limits(const advise::n_plus_one_limits& limits) noexcept {
  limits_ = limits;
  for (auto& p : slots_)
    if (p.tracker) p.tracker->set_limits(limits);
}

void watched_sessions::flush(std::int64_t now_us, advise::run_sink& sink) {
  for (auto& p : slots_) p.tracker->flush(now_us, sink);
}

}  // namespace fairing::sql
