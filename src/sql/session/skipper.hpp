// skipper: passes over the messages that a refused statement consists of.
//
// Problem: a client whose statement got no server (or was cancelled while it waited) is told so and stays connected. As
// PostgreSQL does after an error, what belongs to the statement must be ignored: a Query alone, or everything up to the
// next Sync.
//
// Flow:  s.begin();  ... taken = s.skip(bytes);   if (s.ready()) send ReadyForQuery; go on with what was not taken
// Threads: one core's. Cost: a look at each header.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/wire.hpp"

namespace fairing::sql {

class skipper {
 public:
  void begin() noexcept { *this = skipper{.active_ = true}; }
  [[nodiscard]] bool active() const noexcept { return active_; }
  // After skip(): the end was reached just now, ReadyForQuery is due.
  [[nodiscard]] bool ready() noexcept { return std::exchange(ready_, false); }

  [[nodiscard]] std::size_t skip(std::string_view bytes) noexcept {
    namespace pg = codec::pgwire;
    std::size_t used = 0;
    while (active_) {
      if (left_ > 0) {
        const auto n = std::min<std::size_t>(left_, bytes.size() - used);
        used += n;
        left_ -= static_cast<std::uint32_t>(n);
        if (left_ > 0) return used;
        if (last_) {
          active_ = false;
          ready_ = true;
        }
        continue;
      }
      const auto rest = bytes.substr(used);
      if (rest.size() < pg::header_bytes) return used;
      const auto type = static_cast<pg::client_type>(rest[0]);
      const auto& rule = pg::rule_of(pg::direction::from_client, rest[0]);
      const auto length = pg::load_u32(rest.data() + 1);
      // A wrong message, or the end: whoever reads next deals with it.
      if (length < rule.min_length || length > rule.max_length ||
          type == pg::client_type::terminate) {
        active_ = false;
        return used;
      }
      const bool alone = type == pg::client_type::query || type == pg::client_type::function_call;
      last_ = type == pg::client_type::sync || (alone && !extended_);
      extended_ = extended_ || !alone;
      left_ = length + 1;
    }
    return used;
  }

  bool active_ = false;
  bool extended_ = false;  // a part of an extended statement: up to its Sync
  bool last_ = false;      // the message under way is the last
  bool ready_ = false;
  std::uint32_t left_ = 0;  // bytes of the message under way
};

}  // namespace fairing::sql
