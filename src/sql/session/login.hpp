// login: a client from its first byte to the pool it belongs to, on the core that accepted it.
//
// Problem: these bytes come from anyone who can connect. Encryption requests, the start-up packet, cancel requests and
// the proof of who it is must each end in time, tell an attacker nothing, and leave nothing behind.
//
// Flow:  login::start(part, socket, mode);     // from the listener; it destroys itself
// A client is checked, in this order, by: the upstream's own user and sql.users; auth_query; where no secret is known at
// all, PostgreSQL itself: in session pooling its log-in is relayed (client_relay.cpp), in transaction pooling it comes in
// if PostgreSQL trusts that user and the client is on this machine.
// Lifecycle: until the socket is handed over to the pool's home core, the console, or closed.
// Threads: the accepting core. Bounds: sql.limits.login over all of it, 10,004 bytes of start-up, 16 KiB of a proof.
// Source: PostgreSQL documentation, "Message Flow", "Start-up", "SASL Authentication".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/pgwire/startup.hpp"
#include "codec/scram/server_fsm.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "sql/logic/start_settings.hpp"
#include "sql/session/server_login.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

class login final : net::timed {
 public:
  static void start(core_part& part, net::socket s, pool_mode mode);
  ~login();
  void begin_drain();

 private:
  login(core_part& part, net::socket s, pool_mode mode, bool full);
  net::task<void> run();

  // Each false: it is over, and what had to be said was said.
  net::task<bool> start_up();
  net::task<bool> on_packet(pgwire::startup_packet packet);
  net::task<bool> encrypt(const pgwire::startup_packet& packet);
  net::task<bool> take_parameters(const pgwire::startup_packet& packet);
  void cancel(pgwire::backend_key key);

  // login_proof.cpp
  net::task<bool> prove();
  net::task<bool> by_scram(credential_ptr secret, scram::scram_secret check);
  net::task<bool> by_md5(credential_ptr secret);
  net::task<bool> by_trust();
  net::task<bool> reject(std::string_view why);
  net::task<bool> may_try();
  net::task<std::optional<std::string_view>> read_proof();

  // login_query.cpp
  net::task<result<credential_ptr>> ask_database();
  net::task<result<credential_ptr>> run_auth_query();

  net::task<bool> refuse(pgwire::sqlstate code, std::string_view message,
                         std::string_view hint = {});
  net::task<bool> read_more();
  net::task<bool> send(std::string_view text);
  void hand_over();
  void on_deadline() override;

  core_part& part_;
  const runtime_ptr runtime_;
  net::stream stream_;
  std::string address_;
  std::uint64_t address_hash_ = 0;
  bool local_ = false;  // the client is on this machine
  std::string in_;
  std::string out_;  // greeting that goes with what follows the log-in
  pool_key key_;
  const bool
      full_;  // one client too many: told so once it has said what it wants, as libpq shows nothing before
  bool console_ = false;
  bool relayed_ = false;  // who it is PostgreSQL finds out, once there is a place for it
  std::optional<std::string> application_name_;
  parameter_list settings_;  // that follow the client
  login_place place_;        // among those whose answer waits
  bool handed_over_ = false;
};

}  // namespace fairing::sql
