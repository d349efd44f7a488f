#include "pool/concurrency_limit.hpp"

#include <algorithm>
#include <utility>

namespace fairing::pool {

concurrency_limit::concurrency_limit(std::uint32_t size, rules r) noexcept
    : rules_(r), size_(size), chosen_{size}, now_{size}, rest_(r.rest), left_(r.rest) {}

void concurrency_limit::set_rules(std::uint32_t size, bool may_gather, bool may_ahead) noexcept {
  if (size == size_ && may_gather == rules_.may_gather && may_ahead == rules_.may_ahead) return;
  size_ = size;
  rules_.may_ahead = may_ahead;
  rules_.may_gather = may_gather;
  start_over();
}

void concurrency_limit::start_over() noexcept {
  chosen_ = now_ = {size_};
  gather_each_ = 0;
  phase_ = phase::resting;
  next_ = change::gathering;
  doubted_ = false;
  before_ = {0};
  in_vain_ = 0;
  left_out_ = {};
  rate_ = 0;
  rest_ = left_ = rules_.rest;
  slow_ = 0;
  ends_ = ends_alone_ = 0;
  settling_ = true;
}

void concurrency_limit::begin_window(setting s, micro_time now) noexcept {
  settling_ = s != now_;
  now_ = s;
  gather_each_ = s.gathers && rate_ > 0 ? rules_.gather_share / rate_ : 0;
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
  const auto us = static_cast<double>(took.count());
  const bool whole =
      took >= rules_.window_most || (took >= rules_.window_least && ends_ >= rules_.window_ends);
  if (!whole && !is_plainly_worse(us)) return;
  const bool waited = std::uint64_t{ends_alone_} * 64 <= ends_;
  if (phase_ == phase::resting)
    rested(ends_ / us, waited, now);
  else
    tried(us, waited, now);
}

// Pairs of windows are A B, B A, A B and so on.
bool concurrency_limit::is_of_other(std::uint8_t step) noexcept {
  return step % 4 == 1 || step % 4 == 2;
}

// A change that is plainly worse need not be seen to the end of its window: others wait for it.
bool concurrency_limit::is_plainly_worse(double us) const noexcept {
  return phase_ == phase::trying && step_ == 1 && ends_ >= rules_.window_ends / 4 &&
         ends_ * rules_.plain <= pairs_[0].a * us;
}

void concurrency_limit::rested(double rate, bool waited, micro_time now) noexcept {
  slow_ = waited && chosen_ != setting{size_} && rate < rate_ / 2 ? slow_ + 1 : 0;
  if (slow_ == most_slow) {
    start_over();
    began_ = now;
    return;
  }
  if (slow_ > 0) return begin_window(now_, now);
  if (waited) rate_ = rate_ == 0 ? rate : rate_ + (rate - rate_) / 8;
  if (left_ > 0) --left_;
  // A long rest is for a load that stays as it is.
  if (!waited || left_ > 0) return begin_window(now_, now);
  begin_trial();
  begin_window(chosen_, now);
}

concurrency_limit::change concurrency_limit::after(change c) noexcept {
  return static_cast<change>((static_cast<std::uint8_t>(c) + 1) % kinds);
}

// Whether there is such a change of what was chosen; other_ is it, then.
bool concurrency_limit::changes(change c) noexcept {
  other_ = chosen_;
  switch (c) {
    case change::lower:
      other_.limit = std::max(chosen_.limit / 2, 1U);
      break;
    case change::gathering:
      other_.gathers = rules_.may_gather && !chosen_.gathers && chosen_.limit > 1;
      break;
    case change::higher:
      other_.limit = std::min(chosen_.limit * 2, size_);
      break;
    // As many in the database's hands as before.
    case change::deeper:
      if (!rules_.may_ahead || chosen_.at_each > most_behind) break;
      other_.at_each *= 2;
      other_.limit = std::max(chosen_.limit / 2, 1U);
      break;
    case change::shallower:
      if (chosen_.at_each == 1) break;
      other_.at_each /= 2;
      other_.limit = std::min(chosen_.limit * 2, size_);
      break;
  }
  return other_ != chosen_;
}

// What loses clearly makes many wait: it is not tried in each round. But for the limit, as another load wants another.
bool concurrency_limit::is_left_out(change c) noexcept {
  auto& left = left_out_[static_cast<std::size_t>(c)].left;
  if (left == 0 || c == change::lower || c == change::higher) return false;
  --left;
  return true;
}

void concurrency_limit::begin_trial() noexcept {
  while (!changes(next_) || is_left_out(next_)) next_ = after(next_);
  phase_ = phase::trying;
  step_ = 0;
  pairs_ = {};
}

void concurrency_limit::tried(double us, bool waited, micro_time now) noexcept {
  const bool b = is_of_other(step_);
  // Only under a higher limit than that of now may it be that nobody waits. Else the load has ended or paused.
  if (!waited && (!b || other_.limit <= chosen_.limit)) {
    doubted_ = false;
    rest_again(false);
    return begin_window(chosen_, now);
  }
  auto& p = pairs_[step_ / 2];
  (b ? p.b : p.a) = ends_ / us;
  ++step_;
  if (step_ % 2 == 0 && is_decided()) {
    decide();
    return begin_window(chosen_, now);
  }
  begin_window(is_of_other(step_) ? other_ : chosen_, now);
}

bool concurrency_limit::is_decided() const noexcept {
  const std::size_t n = step_ / 2U;
  if (n == most_pairs) return true;
  if (n == 1 && pairs_[0].ratio() * rules_.plain <= 1) return true;
  if (n == 2) {
    const auto low = std::min(pairs_[0].ratio(), pairs_[1].ratio());
    const auto high = std::max(pairs_[0].ratio(), pairs_[1].ratio());
    if (high * rules_.clear <= 1 || low >= rules_.clear) return true;
  }
  // Whatever the others may be: so many say the same.
  const auto better = static_cast<std::size_t>(
      std::count_if(pairs_.begin(), pairs_.begin() + static_cast<std::ptrdiff_t>(n),
                    [this](const pair& p) { return is_better(p.ratio()); }));
  return std::max(better, n - better) * 2 > most_pairs;
}

bool concurrency_limit::is_better(double ratio) const noexcept {
  switch (next_) {
    case change::lower:
      return ratio >= (other_.limit == 1 ? 1 : rules_.lower_from);
    case change::higher:
      return ratio >= (chosen_.limit == 1 ? 1 : rules_.higher_from);
    case change::deeper:
      return ratio >= rules_.ahead_from;
    case change::shallower:
      return ratio >= 1;
    case change::gathering:
      return other_.gathers ? ratio >= rules_.gather_worse : ratio * rules_.gather_worse > 1;
  }
  return false;
}

// Away from what spares the database.
bool concurrency_limit::is_back() const noexcept {
  return next_ == change::higher || next_ == change::shallower ||
         (chosen_.gathers && !other_.gathers);
}

// A machine that others share has slow and fast moments. The pair whose ratio is in the middle of all decides, so that
// one moment that began or ended within a pair does not; and what would undo earlier finds has to be found twice.
void concurrency_limit::decide() noexcept {
  const std::size_t n = step_ / 2U;
  std::sort(pairs_.begin(), pairs_.begin() + static_cast<std::ptrdiff_t>(n),
            [](const pair& x, const pair& y) { return x.ratio() < y.ratio(); });
  const pair& middle = pairs_[n / 2];
  const bool changed = is_better(middle.ratio());
  if (changed && is_back() && !std::exchange(doubted_, true)) {
    phase_ = phase::resting;
    left_ = 1;
    return;
  }
  doubted_ = false;
  rate_ = changed ? middle.b : middle.a;
  // To and fro between two that are as good: it has found what there is.
  const bool undone = changed && other_ == before_;
  if (changed) before_ = std::exchange(chosen_, other_);
  auto& out = left_out_[static_cast<std::size_t>(next_)];
  const bool clearly = !changed && middle.ratio() * rules_.clear <= 1;
  out.rounds = clearly ? std::min(std::max(out.rounds * 2, 1U), rules_.leave_out_most) : 0;
  out.left = out.rounds;
  rest_again(changed && !undone);
  if (undone) rest_longer();
}

void concurrency_limit::rest_longer() noexcept {
  rest_ = std::min(rest_ * 4, rules_.rest_most);
  left_ = rest_;
  in_vain_ = 0;
}

void concurrency_limit::rest_again(bool changed) noexcept {
  phase_ = phase::resting;
  if (changed) {
    rest_ = std::max(rest_ / 4, rules_.rest);
    in_vain_ = 0;
    left_ = 1;
    // Whether gathering pays depends on the rest; of which a limit goes on in the same direction.
    if (!chosen_.gathers && next_ != change::gathering)
      next_ = change::gathering;
    else if (next_ == change::gathering)
      next_ = after(next_);
    return;
  }
  next_ = after(next_);
  left_ = rest_;
  if (++in_vain_ == kinds) rest_longer();
}

}  // namespace fairing::pool
