// session: one connection of a service::server.
//
// Flow:  session::start(server, core, socket, true)   // spawns; deletes itself at the end
// The one coroutine reads and does nothing else, so that a client that leaves is noticed whatever its request waits for;
// what arrives, what is answered and what was written are plain calls: step() goes on as far as it can.
// A refusal before the body was read, and a malformed head, end the connection, after what the client still sends has
// been thrown away for a moment (else the close would reset the answer away).
// Threads: one core. Internal to the module.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "codec/http1/parser.hpp"
#include "net/core.hpp"
#include "net/event.hpp"
#include "net/in_buffer.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "service/server.hpp"

namespace fairing::service {

class session final : public net::timed {
 public:
  // `room`: false is answered 503 and closed. The server has counted it already.
  static void start(server& owner, net::core& home, net::socket s, bool room);
  ~session() override;

  void on_deadline() override;
  bool answered(const response& r);  // false: its client is leaving
  void begin_drain();
  void abort() noexcept;  // the server stops

 private:
  enum class phase : std::uint8_t {
    head,     // between requests, or a head is arriving
    body,     // a body is arriving
    waiting,  // the handler has the request
    closing,  // all is said; what still comes is thrown away
  };

  session(server& owner, net::core& home, net::socket s);
  net::task<void> run(bool room);
  [[nodiscard]] std::span<char> room_to_read();
  bool take_bytes(std::size_t n);  // false: it has sent enough after the end
  void step();
  bool take_head();  // both: false when more bytes are needed
  bool take_body();
  bool take_chunks();
  void begin_body();
  void reject_head();
  void serve(std::string_view body);
  void refuse(fault f, std::string_view detail);
  void respond(const response& r, bool keep_alive);
  void flush();
  net::task<void> write_rest(net::write_state at);
  void wait_for_what_is_next();  // sets the deadline of the phase
  bool grow(std::size_t to);     // of the body that is held
  void let_go_of_body();
  [[nodiscard]] net::event& wake();

  server& server_;
  net::core& home_;
  server::part& part_;
  std::uint32_t slot_ = 0;
  net::stream stream_;
  net::in_buffer in_;
  http1::head_parser parser_;
  phase phase_ = phase::head;
  bool keep_alive_ = true;  // of the request in hand; also the next two
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool writing_ = false;
  bool chunked_ = false;
  bool half_closed_ = false;     // our side
  mono_time began_{};            // the head or body that is arriving
  std::uint64_t written_ = 0;    // at the last look at a slow write
  std::size_t need_ = 0;         // head and body, while a body of known length arrives
  std::size_t held_ = 0;         // counted in server_.held_
  std::size_t thrown_away_ = 0;  // bytes, while closing
  struct chunks {
    http1::chunked_decoder decoder;
    std::string head;
    std::string body;
  };
  std::unique_ptr<chunks> chunks_;
  std::string out_;                   // while writing_
  std::unique_ptr<net::event> wake_;  // run() waits for something but bytes
};

}  // namespace fairing::service
