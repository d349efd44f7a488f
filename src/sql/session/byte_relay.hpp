// byte_relay: a session-pooled client's conversation: forwarded as it is, with an eye on where it stands.
//
// Problem: with session pooling nothing is changed on the way, but three things must be known: that the client ends (its
// Terminate would end the server, which others may use), whether an answer is still due, and in what transaction the
// session was left.
//
// Flow:  n = r.from_client(bytes); forward the first n; if (r.ended()) the client is done
//        if (!r.from_server(bytes, to, taken)) close both; send `to` on
// Threads: one core's. Cost: a look at each header; no copy.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "codec/pgwire/frame_scanner.hpp"
#include "sql/logic/out_batch.hpp"

namespace fairing::sql {

class byte_relay {
 public:
  // How many of the bytes are for the server. Fewer than all: ended() says why.
  [[nodiscard]] std::size_t from_client(std::string_view bytes) noexcept;
  // Puts what is for the client into `to`. Fewer than all bytes are taken only while a limit is on, up to the end of an
  // error that is not whole yet.
  [[nodiscard]] bool from_server(std::string_view bytes, out_batch& to, std::size_t& taken);

  // The server has said by a FATAL, which the client was shown, that it ends the connection.
  [[nodiscard]] bool farewell() const noexcept { return farewell_; }

  // A limit of ours is about to cancel the statement under way: its error will say so. 0: no more.
  void limited_by(milliseconds limit) noexcept { limit_ = limit; }
  [[nodiscard]] bool limited() const noexcept { return limit_.count() > 0; }

  // It sent Terminate, or nonsense (faulty()).
  [[nodiscard]] bool ended() const noexcept { return ended_ || faulty(); }
  [[nodiscard]] bool faulty() const noexcept { return client_.error() != codec::pgwire::errc::ok; }
  // An answer is due, or a message is on its way: the server could not be used again as it is.
  [[nodiscard]] bool in_flight() const noexcept {
    return asked_ != answered_ || unsynced_ || !client_.at_boundary() || !server_.at_boundary();
  }
  // Part of a server's message has gone to the client.
  [[nodiscard]] bool within_answer() const noexcept { return !server_.at_boundary(); }
  [[nodiscard]] bool in_transaction() const noexcept {
    return status_ != codec::pgwire::transaction_status::idle;
  }
  [[nodiscard]] std::uint64_t statements() const noexcept { return asked_; }
  [[nodiscard]] std::uint64_t answers() const noexcept { return answered_; }

 private:
  [[nodiscard]] bool watch(std::string_view bytes) noexcept;
  void on_copy_in() noexcept;
  void on_error(const codec::pgwire::frame& f) noexcept;
  codec::pgwire::frame_scanner client_{codec::pgwire::direction::from_client};
  codec::pgwire::frame_scanner server_{codec::pgwire::direction::from_server};
  codec::pgwire::transaction_status status_ = codec::pgwire::transaction_status::idle;
  std::uint64_t asked_ = 0;     // messages that ReadyForQuery answers
  std::uint64_t answered_ = 0;  // ReadyForQuery
  bool unsynced_ = false;       // extended messages since the last Sync
  bool by_sync_ = false;        // the last that was asked is a Sync
  milliseconds limit_{0};
  bool ended_ = false;
  bool farewell_ = false;
};

}  // namespace fairing::sql
