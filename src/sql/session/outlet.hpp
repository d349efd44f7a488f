// outlet: the one way bytes leave on a connection: at once what the socket takes, the rest as it takes it.
//
// Problem: two sides write to one socket (a client gets its server's answers and the relay's own words), from plain
// functions that cannot wait; bytes must stay in order, and a peer that stops reading must stop who feeds it.
//
// Flow:  outlet out(core);  out.open(stream, limit);     // or open(stream): whatever time the peer takes
//        out.put(batch, scratch);                       // from any function on the core
//        while (out.backlogged()) co_await out.drained();   // before more is read for it
//        scratch.send_held();                           // at the end of every turn of the core
//        ... stream.close(); while (out.backlogged()) co_await out.drained();   // before it is destroyed
// Clients get their answers at the end of the turn, if more sockets are to be served before it: the first answer wakes
// them, and those that wait for several then find all of them, instead of sleeping and being woken between any two. So
// do statements that are sent ahead: PostgreSQL has something to do until then.
// Bounds: what one turn puts after the socket is full; who reads stops then. A peer that takes no byte for `limit` is
// cut off; PostgreSQL, which takes none while a statement before them waits for a lock, is given no limit.
// Threads: the stream's core. Cost: one send; a copy of what is held; a coroutine and a copy when the socket is full, or
// with TLS.
#pragma once

#include <coroutine>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "net/stream.hpp"
#include "sql/logic/out_batch.hpp"

namespace fairing::sql {

class outlet;

// What the writes of a core share: vectors that each of them uses again, and bytes that are held until its turn ends.
class write_scratch {
 public:
  std::vector<std::string_view> views;
  std::vector<net::part> parts;

  // Copies `views`, which are for `to`; false, and nothing done, when it holds enough.
  [[nodiscard]] bool hold(outlet& to);
  // To each all that is for it, in the order in which they came.
  void send_held();

 private:
  static constexpr std::size_t most_each = 4096, most_pieces = 64;
  struct piece {
    outlet* to;
    std::size_t size;
  };
  std::string held_;
  std::vector<piece> pieces_;
};

// When what is put leaves: at once; at the end of the turn if more sockets are to be served before it; or at its end.
enum class sending : std::uint8_t { at_once, with_others, at_turn_end };

class outlet {
 public:
  explicit outlet(net::core& home) noexcept : home_(home) {}
  outlet(const outlet&) = delete;
  outlet& operator=(const outlet&) = delete;

  ~outlet() { settle(); }

  void open(net::stream& s, std::optional<milliseconds> limit = {}) noexcept {
    stream_ = &s;
    limit_ = limit;
  }
  // Takes all of it; clears it.
  void put(out_batch& batch, write_scratch& scratch, sending when = sending::at_once);
  void put(std::string_view bytes);
  // What is held is sent now.
  void settle() {
    if (held_by_) held_by_->send_held();
  }

  // Something waits to be sent: do not read more for it.
  [[nodiscard]] bool backlogged() const noexcept { return draining_; }
  // The peer has gone, or takes nothing any more.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

  struct waiter {
    outlet& out;
    std::coroutine_handle<> handle{};
    waiter* next = nullptr;
    bool await_ready() const noexcept { return !out.draining_; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      handle = h;
      next = out.waiters_;
      out.waiters_ = this;
    }
    void await_resume() const noexcept {}
  };
  // Resumes through the core's queue, so never inside a put(); also sooner, by rouse().
  [[nodiscard]] waiter drained() noexcept { return waiter{*this}; }
  // Whoever waits is to look again whether it still wants to.
  void rouse();

 private:
  friend class write_scratch;
  [[nodiscard]] bool may_hold(sending when) const noexcept;
  void send(write_scratch& scratch);
  net::task<void> drain();
  void start_drain();

  net::core& home_;
  net::stream* stream_ = nullptr;
  std::optional<milliseconds> limit_;
  std::string backlog_;
  waiter* waiters_ = nullptr;
  write_scratch* held_by_ = nullptr;  // while something of it is held
  bool draining_ = false;
  bool failed_ = false;
};

}  // namespace fairing::sql
