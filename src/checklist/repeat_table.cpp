#include "checklist/repeat_table.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "checklist/evidence.hpp"

namespace fairing::checklist {

repeat_table::outcome repeat_table::see(std::uint64_t key_hash, std::uint64_t body_hash,
                                        mono_time now) noexcept {
  const auto key = key_hash == 0 ? 1 : key_hash;
  const auto group = mix64(key) % (slots / group_size);
  const std::lock_guard lock(locks_[group % stripes]);
  slot* const first = slots_.data() + group * group_size;
  slot* oldest = first;
  for (slot* s = first; s != first + group_size; ++s) {
    if (s->key == key) {
      const bool fresh = now - s->filled <= repeat_window;
      const bool same = s->body == body_hash;
      if (fresh && same) return outcome::repeat;
      s->body = body_hash;
      s->filled = now;
      return fresh ? outcome::changed : outcome::first;
    }
    if (oldest->key != 0 && (s->key == 0 || s->filled < oldest->filled)) oldest = s;
  }
  *oldest = {key, body_hash, now};
  return outcome::first;
}

void repeat_table::reset() noexcept {
  for (auto& lock : locks_) lock.lock();
  std::ranges::fill(slots_, slot{});
  for (auto& lock : locks_) lock.unlock();
}

}  // namespace fairing::checklist
