#include "pool/concurrency_limit.hpp"

#include <algorithm>

namespace fairing::pool {

concurrency_limit::concurrency_limit(std::uint32_t size, rules r) noexcept
    : rules_(r), size_(size), chosen_(size), now_(size), rest_(r.rest), left_(r.rest) {}

void concurrency_limit::set_size(std::uint32_t size) noexcept {
  if (size == size_) return;
  size_ = size;
  start_over();
}

void concurrency_limit::start_over() noexcept {
  chosen_ = now_ = size_;
  phase_ = phase::resting;
  down_ = true;
  turned_ = false;
  rate_ = 0;
  rest_ = left_ = rules_.rest;
  ends_ = ends_alone_ = 0;
  settling_ = true;
}

void concurrency_limit::begin_window(std::uint32_t limit, micro_time now) noexcept {
  settling_ = limit != now_;
  now_ = limit;
  began_ = now;
  ends_ = ends_alone_ = 0;
}

void concurrency_limit::look(micro_time now) noexcept {
  if (settling_) {
    if (ends_ < 2 * size_ && (began_ != micro_time{} && now < began_ + rules_.window_most)) return;
    began_ = now;
    ends_ = ends_alone_ = 0;
    settling_ = false;
    return;
  }
  const auto took = now - began_;
  if (took < rules_.window_least) return;
  if (ends_ < rules_.window_ends && took < rules_.window_most) return;
  const bool waited = std::uint64_t{ends_alone_} * 64 <= ends_;
  const auto us = static_cast<double>(took.count());
  if (phase_ == phase::resting)
    rested(ends_ / us, waited, now);
  else
    tried(us, waited, now);
}

void concurrency_limit::rested(double rate, bool waited, micro_time now) noexcept {
  if (waited && chosen_ < size_ && rate < rate_ / 2) {
    start_over();
    began_ = now;
    return;
  }
  if (waited) rate_ = rate_ == 0 ? rate : rate_ + (rate - rate_) / 8;
  if (left_ > 0) --left_;
  // A long rest is for a load that stays as it is.
  if (!waited || left_ > 0) return begin_window(now_, now);
  begin_trial();
  begin_window(chosen_, now);
}

void concurrency_limit::begin_trial() noexcept {
  if (down_ && chosen_ == 1) down_ = false;
  if (!down_ && chosen_ == size_) down_ = true;
  other_ = down_ ? chosen_ / 2 : std::min(size_, chosen_ * 2);
  phase_ = phase::trying;
  step_ = 0;
  seen_ = {};
}

void concurrency_limit::tried(double us, bool waited, micro_time now) noexcept {
  const bool b = step_ == 1 || step_ == 2;
  // Only under a higher limit than that of now may it be that nobody waits. Else the load has ended or paused.
  if (!waited && (!b || down_)) {
    rest_again(false);
    return begin_window(chosen_, now);
  }
  auto& s = seen_[b ? 1 : 0];
  s.ends += ends_;
  s.us += us;
  ++step_;
  if (step_ == 2) {
    const double ratio = seen_[1].rate() / seen_[0].rate();
    if (ratio >= rules_.plain || ratio <= 1 / rules_.plain) step_ = 4;
  }
  if (step_ == 4) {
    decide(seen_[0].rate(), seen_[1].rate());
    return begin_window(chosen_, now);
  }
  begin_window(step_ == 3 ? chosen_ : other_, now);
}

void concurrency_limit::decide(double a, double b) noexcept {
  const bool change = down_ ? b >= a * rules_.better : b >= a * rules_.worse;
  rate_ = change ? b : a;
  if (change) chosen_ = other_;
  rest_again(change);
}

void concurrency_limit::rest_again(bool changed) noexcept {
  phase_ = phase::resting;
  if (changed) {  // on in the same direction
    rest_ = rules_.rest;
    turned_ = false;
    left_ = 1;
    return;
  }
  down_ = !down_;
  if (turned_) rest_ = std::min(rest_ * 2, rules_.rest_most);
  turned_ = !turned_;
  left_ = rest_;
}

}  // namespace fairing::pool
