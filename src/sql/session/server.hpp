// server: one connection to PostgreSQL that a pool owns.
//
// Problem: its bytes belong to the client that has it at the moment, to the plane itself (bringing the session back to a
// known state), or to nobody; a byte that comes when nothing is expected makes the connection unusable.
//
// Flow:  the pool makes it; start() opens it and reads until it ends; then the pool destroys it.
// Lifecycle: duty goes opening -> idle <-> serving, cleaning -> closing. Threads: the pool's home core.
// Cost: an answer is read once, looked at in place and sent once.
#pragma once

#include <memory>
#include <string>

#include "codec/pgwire/frame_scanner.hpp"
#include "net/core.hpp"
#include "net/event.hpp"
#include "pool/pool_nodes.hpp"
#include "sql/logic/relay.hpp"
#include "sql/session/input.hpp"
#include "sql/session/outlet.hpp"
#include "sql/session/server_login.hpp"

namespace fairing::sql {

class client;

class server final : public pool::server, net::timed {
 public:
  enum class duty : std::uint8_t {
    opening,   // being connected and logged in
    login,     // a place only: its client connects it and logs in through it
    idle,      // nobody's
    serving,   // its client's
    cleaning,  // statements of our own run: what a client left is being ended
    closing,   // ending: what comes is not looked at
  };

  explicit server(sql_pool& p);
  ~server();

  net::task<void> run();

  // The pool has leased it to `c`.
  void serve(client& c) noexcept;
  // Of its client's log-in, which is relayed: through, with PostgreSQL's key; or not, and not to be touched after.
  void logged_in(pgwire::backend_key k);
  void login_failed();
  // Its client has no more to do with it.
  void leave() noexcept;
  // Runs each statement by itself; then, if all went well: it is given back to the pool, or (`keep`) its client is told.
  void clean(std::initializer_list<std::string_view> statements, bool keep = false);
  // Ends what a client may have left here unseen, but for prepared statements, which are the pool's; then as clean().
  void scrub();
  // Terminate, and until PostgreSQL has closed its end, a second at most. Already told to the pool.
  void begin_close(bool polite) noexcept;
  // On any doubt: its client is told, it is closed and not used again.
  void fault(pool::close_reason why);
  // Asks PostgreSQL to stop what runs here. Until that request is over the server is nobody else's.
  void cancel();
  // What was sent ahead is nobody's any more, and its answers come next: they are dropped.
  void begin_stray() noexcept;
  [[nodiscard]] bool stray() const noexcept { return stray_ > 0; }
  // Ends it if its host has vanished: while something is on its way there, keep-alive does not tell.
  void check_peer();

  sql_pool& owner;
  net::core& core;
  std::unique_ptr<net::stream> stream;
  outlet out;
  server_session session;
  pgwire::backend_key key;
  client* user = nullptr;                      // serving
  std::uint32_t cancels = 0;                   // requests under way
  bool give_back_later = false;                // when they are over, and no stray answer is due
  mono_time ahead_since = mono_time::max();    // those who stand behind have seen no answer since
  bool unclean = false;                        // scrub() is due before it is anybody's
  mono_time busy_since = mono_time::max();     // a statement runs since then
  std::int64_t busy_since_us = 0;              // the same by precise_us()
  mono_time overdue_since = mono_time::max();  // first asked to stop that statement: sql.limits
  std::int64_t used_us = 0;                    // of this lease, while a statement ran
  mono_time idle_since =
      mono_time::max();  // its client's transaction waits for the client since then
  [[nodiscard]] duty what() const noexcept { return duty_; }

 private:
  net::task<bool> open();
  net::task<bool> wait_for_login();
  void on_bytes(std::string_view fresh);
  void serve_bytes(std::string_view fresh);
  [[nodiscard]] std::size_t drop_stray(std::string_view bytes);
  void back_if_due();
  void idle_bytes(std::string_view bytes);
  void note_reading(std::string_view message);
  void clean_bytes(std::string_view bytes);
  void on_deadline() override;

  duty duty_ = duty::opening;
  input in_;
  pgwire::frame_scanner scanner_{pgwire::direction::from_server};  // while cleaning
  std::uint32_t ready_left_ = 0;
  std::uint32_t stray_ = 0;     // answers that are to be dropped
  std::size_t stray_left_ = 0;  // of a message of one
  bool keep_ = false;
  bool scrubs_ = false;
  net::event* cancels_over_ = nullptr;  // run() waits for them
  net::event* login_over_ = nullptr;
};

}  // namespace fairing::sql
