// watched_sessions: which sessions and requests are watched for N+1 loops, and who makes room for whom.
//
// Problem: thousands of clients, memory for a bounded number of them; and if each newcomer took the place of
// who was seen longest ago, with more clients than places nobody would be watched long enough to show a loop.
//
// Flow:  slot = sessions.admit(key, now_us, sink);   // nullopt: no place for it now; ask again
//        sessions.touch(*slot, now_us);              // each statement
//        sessions.leave(key, sink);
// A place is taken from who left, or had no statement for 10 s (no result of it counts any more); else a new
// one is made; else from who had none for a second (no loop of it goes on); else from who had it for 10 s.
// Bounds: `most` places and `bytes` for all of them.
// Lifecycle: one a core. Threads: the core's. Cost: a touch: three links; admit: a place looked at or two.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "advise/n_plus_one.hpp"

namespace fairing::sql {

class watched_sessions {
 public:
  watched_sessions(const advise::text_facts& facts, advise::n_plus_one_limits limits,
                   std::size_t most, std::size_t bytes)
      : facts_(facts), limits_(limits), most_(most), room_{bytes} {}
  watched_sessions(const watched_sessions&) = delete;
  watched_sessions& operator=(const watched_sessions&) = delete;

  // The place of the key, which is not 0: the one it has, or another.
  [[nodiscard]] std::optional<std::uint32_t> admit(std::uint64_t key, std::int64_t now_us,
                                                   advise::run_sink& sink);
  // False: it has none.
  bool leave(std::uint64_t key, advise::run_sink& sink);
  void touch(std::uint32_t slot, std::int64_t now_us) noexcept {
    slots_[slot].used_us = now_us;
    if (slot != newest_) to_front(slot);
  }
  // Null: the slot is another's by now.
  [[nodiscard]] advise::session_tracker* of(std::uint32_t slot, std::uint64_t key) const noexcept {
    return key != 0 && slots_[slot].key == key ? slots_[slot].tracker.get() : nullptr;
  }
  void flush(std::int64_t now_us, advise::run_sink& sink);
  void set_limits(const advise::n_plus_one_limits& limits) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t bytes_left() const noexcept { return room_.left; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  struct place {
    std::uint64_t key = 0;  // 0: free
    std::int64_t used_us = 0;
    std::int64_t since_us = 0;
    std::uint32_t newer = none;
    std::uint32_t older = none;
    std::unique_ptr<advise::session_tracker> tracker;
  };

  [[nodiscard]] std::optional<std::uint32_t> find_place(std::int64_t now_us);
  void unlink(std::uint32_t slot) noexcept;
  void to_front(std::uint32_t slot) noexcept;
  void to_back(std::uint32_t slot) noexcept;

  const advise::text_facts& facts_;
  advise::n_plus_one_limits limits_;
  std::size_t most_;
  advise::memory_room room_;
  std::vector<place> slots_;
  std::uint32_t newest_ = none;
  std::uint32_t oldest_ = none;
  std::size_t hand_ = 0;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> slots_of_;
};

}  // namespace fairing::sql
