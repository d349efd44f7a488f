// client: one client of a pool, from the end of its log-in on: its socket, its relay, its wait for a server.
//
// Problem: every query must cost two reads and two sends, also when the client had to wait; a client may go, be slow, be
// cancelled or lose its server at any moment, and nobody else may notice.
//
// How: the client's coroutine does nothing but read. All else are plain functions, called by whoever has news: by that
// coroutine with bytes of the client, by the server with an answer, by the pool with a server that came free.
// Flow:  client::start(part, seed)  on the home core; it destroys itself.
// Threads: the pool's home core. Cost: no allocation a query; an idle client has no buffer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/event.hpp"
#include "pool/server_pool.hpp"
#include "sql/logic/login_relay.hpp"
#include "sql/logic/relay.hpp"
#include "sql/session/byte_relay.hpp"
#include "sql/session/input.hpp"
#include "sql/session/outlet.hpp"
#include "sql/session/server.hpp"
#include "sql/session/skipper.hpp"

namespace fairing::sql {

// A client whose log-in PostgreSQL itself is to check.
struct relayed_login {
  server_request request;
  std::uint64_t address_hash = 0;
  bool local = false;  // on this machine
  mono_time deadline;
};

// A logged-in client on its way to its home core.
struct client_seed {
  net::socket socket;
  std::unique_ptr<net::tls_channel> tls;
  std::string bytes;     // that it sent already
  std::string greeting;  // what is due to it before AuthenticationOk's followers
  std::optional<std::string> application_name;
  parameter_list settings;  // further ones that its start-up asks for; transaction pooling
  std::string address;
  std::unique_ptr<relayed_login> relayed;  // null: it is logged in
  std::shared_ptr<sql_pool> pool;
};

class client final : public pool::waiter, relay_hooks {
 public:
  // On the home core.
  static void start(client_seed seed);
  ~client();

  // Its server's side, all on the home core:
  void granted(server& s);
  void refused(pool::refusal why, pool::microseconds waited);
  // refused() will be called soon: until then it asks for nothing.
  void given_up() noexcept { given_up_ = true; }
  // Bytes of its server; how many are done with. The server may be another's, or gone, after this.
  std::size_t from_server(server& s, std::string_view bytes);
  // Its server broke off.
  void lost();
  // The first bytes that it waits with, if they may be sent to a server that still works for another; else none. They
  // are taken for sent.
  [[nodiscard]] std::string_view send_ahead(const server_session& s);
  [[nodiscard]] bool may_be_followed() noexcept {
    return relay_ && !over_ && relay_->may_be_followed();
  }
  void cleaned();  // server::clean(..., keep) is over

  void cancel();  // a CancelRequest for it
  void begin_drain();
  void check_limits(mono_time now);
  void let_go(mono_time since);  // of a server that it only lingers at, since then or longer
  // FATAL, then the end.
  void end(pgwire::sqlstate code, std::string_view message, std::string_view hint = {});

  [[nodiscard]] outlet& out() noexcept { return out_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return key_.pid; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] const std::string& user() const noexcept;
  [[nodiscard]] const std::string& database() const noexcept;
  [[nodiscard]] const server* leased() const noexcept { return server_; }
  [[nodiscard]] std::string_view state() const noexcept;
  [[nodiscard]] bool over() const noexcept { return over_; }

 private:
  client(client_seed seed, pgwire::backend_key key);
  net::task<void> run();
  net::task<bool> welcome();
  net::task<bool> wait_for_server();
  void append_welcome(std::string& to);

  // client_relay.cpp: the log-in that is relayed, once there is a place for its server.
  net::task<bool> log_in();
  net::task<login_relay::step> log_in_by(login_relay& r, net::stream& to);
  net::task<void> slow_down();
  void end_login(const login_relay& r, std::string words);

  void read_bytes(std::string_view fresh);
  void process(std::string_view bytes);
  std::size_t process_session(std::string_view bytes);
  std::size_t session_answer(server& s, std::string_view bytes);
  void restart_limit();
  void check_statement(milliseconds limit, mono_time now);
  void set_limit(milliseconds limit);
  void advance() { process(in_.view()); }
  [[nodiscard]] bool lease();
  void refuse(pgwire::sqlstate code, std::string_view message, std::string_view hint);
  void flush();
  void flush_behind_ahead();
  void mark();
  [[nodiscard]] settings_ptr first_settings() const;
  net::task<bool> learn_start();
  void take(server& s);
  void release();
  void part();    // from its server, when the client ends
  void finish();  // the conversation is over: the reader is told
  [[nodiscard]] bool must_pause() const noexcept;
  [[nodiscard]] bool in_flight() const noexcept;
  [[nodiscard]] bool within_answer() const noexcept;
  [[nodiscard]] bool farewell() const noexcept;

  // relay_hooks
  bool keep(std::optional<pool::pin_reason> reason) override;
  [[nodiscard]] pin_use pins() const override;
  void done(const statement_done& d) override;
  void slow(const statement_done& d);
  void leave_nothing() override;

  const std::shared_ptr<sql_pool> pool_;
  net::core& core_;
  const pgwire::backend_key key_;
  net::stream stream_;
  outlet out_;
  input in_;
  std::optional<relay> relay_;     // transaction pooling
  std::optional<byte_relay> raw_;  // session pooling
  skipper skip_;
  server* server_ = nullptr;
  const char* first_ = nullptr;   // of the bytes that are being processed
  std::size_t sent_ahead_ = 0;    // of them; as long as that is what its server answers next
  const server* last_ = nullptr;  // the one before: only compared
  std::string greeting_;
  std::string early_;  // bytes that came with the log-in
  std::optional<std::string> application_name_;
  const parameter_list asked_;  // of its start-up, but for the name
  std::string address_;
  const std::unique_ptr<relayed_login> relayed_;
  net::event* welcoming_ = nullptr;  // the log-in waits for a server
  std::string refusal_;              // why it got none, as an ErrorResponse
  bool waiting_answer_ = false;      // the relay needs an answer first
  bool given_up_ = false;            // by the pool, which has not said so yet
  net::event* paused_ = nullptr;     // its reader waits until less is kept
  out_batch batch_;                  // of raw_
  bool cleaned_ = false;
  bool over_ = false;
  bool gone_ = false;  // of its own accord
};

}  // namespace fairing::sql
