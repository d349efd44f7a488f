// session: one connection of the admin interface: HTTP/1.1 in, the router's answers out.
//
// Flow:  session::start(server, core, socket, true)   // spawns; deletes itself at the end
// One request at a time; pipelined ones wait in the input. A refusal before the body was read, and
// a malformed head, end the connection, after what the client still sends has been thrown away for
// a moment (else the close would reset the answer away).
// Threads: one core; answers that may block are made on the server's thread "admin".
#pragma once

#include <string>

#include "admin/message.hpp"
#include "admin/router.hpp"
#include "base/clock.hpp"
#include "codec/http1/parser.hpp"
#include "net/core.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"

namespace fairing::admin {

class admin_server;

struct wire_form {
  bool keep_alive = true;
  bool client_http_1_0 = false;
  bool head_only = false;  // the answer to HEAD
  wall_time now{};
};
// The answer as it goes over the wire.
void append_response(std::string& out, const response& r, const wire_form& form);

class session final : public net::timed {
 public:
  // `room`: false is answered 503 and closed. The server has counted it already.
  static void start(admin_server& server, net::core& home, net::socket s, bool room);
  ~session() override;

  void on_deadline() override;
  void abort() noexcept;  // the server stops

 private:
  // What came of waiting for a part of a request.
  enum class got : std::uint8_t {
    whole,    // it is there
    refused,  // answer_ says why; then close
    gone,     // the client has closed, or was silent between requests
  };

  session(admin_server& server, net::core& home, net::socket s);
  net::task<void> run(bool room);
  net::task<bool> serve_one();  // false: the connection ends
  net::task<got> read_head();
  net::task<got> read_body();
  net::task<got> read_more(milliseconds timeout_since_start);
  net::task<void> make_answer(plan p);
  net::task<bool> send(bool keep_alive);
  net::task<void> linger();
  void take_head();
  got reject_head();

  admin_server& server_;
  net::core& home_;
  net::stream stream_;
  std::string in_;
  codec::http1::head_parser parser_;
  codec::http1::request_head head_;  // views into in_: read_head only
  request request_;
  response answer_;
  codec::http1::body_kind body_ = codec::http1::body_kind::none;
  std::uint64_t body_length_ = 0;
  mono_time step_began_{};  // of the head or body that is being read
  bool http_1_0_ = false;
  bool keep_alive_ = true;
  bool expect_continue_ = false;
  bool reading_ = false;
  bool expired_ = false;
  bool lingers_ = false;
};

}  // namespace fairing::admin
