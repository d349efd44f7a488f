// stream: the socket edge: one connected TCP or unix socket, with or without TLS.
//
// Problem: sessions must not know the reactor, the address family or whether there is TLS; the reactor must be
// replaceable without touching a plane. A stream reads some bytes, writes a gathered list of parts (memory, or a
// range of a sealed file by sendfile), and closes.
//
// Flow:
//   auto r = co_await s.read_some(buffer);          // r.bytes == 0 with eof or error
//   auto e = co_await s.write(parts);               // all of them, or an error
// Lifecycle: close() makes every pending operation end with an error; the object must outlive them. One reader and one
// writer at a time.
// Threads: the home core only; another core may take over a connection that is idle (detach, then a new stream there).
// Cost: one read is one recv, and none that finds nothing (see reactor.hpp); one write is one sendmsg per 64 memory
// parts, one sendfile a file part.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/core.hpp"
#include "net/errc.hpp"
#include "net/sealed_file.hpp"
#include "net/socket.hpp"
#include "net/task.hpp"

namespace fairing::net {

using std::size_t;

struct io_result {
  std::error_code error;  // the peer's end is errc::ended
  size_t bytes = 0;
  [[nodiscard]] bool ok() const noexcept { return !error; }
};

// One piece of a gathered write; the memory or file must live until the write has ended.
struct part {
  std::string_view memory;  // used if `file` is null
  const sealed_file* file = nullptr;
  std::uint64_t offset = 0;  // into the file
  std::uint64_t length = 0;  // of the file
};

// How far a write has come.
struct write_state {
  size_t part = 0;
  std::uint64_t done = 0;  // bytes of that part
  std::error_code error;
};

class tls_channel;  // OpenSSL over memory, see tls.hpp

class stream final : watched {
 public:
  stream(core& home, socket s);
  ~stream();

  // After a connect that is in progress: its outcome.
  task<std::error_code> established();
  // Puts TLS on the connection; the handshake is its own step: co_await handshake().
  void set_tls(std::unique_ptr<tls_channel> channel);
  [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }
  task<std::error_code> handshake();
  // Why the TLS session failed, or the error's own words.
  [[nodiscard]] std::string tls_error(const std::error_code& ec) const;

  task<io_result> read_some(std::span<char> out);
  // Sends what the socket takes at once, without a coroutine; true when all is sent or at.error is set. False: go on
  // with write(parts, at). Always false with TLS.
  [[nodiscard]] bool send_now(std::span<const part> parts, write_state& at) noexcept;
  task<std::error_code> write(std::span<const part> parts, write_state at = {});
  task<std::error_code> write(std::string_view bytes);

  // Bytes waiting in the kernel, or the peer's FIN, make a kept-alive connection unusable: looks without blocking.
  [[nodiscard]] bool quiet() noexcept;
  // Has the peer ended its side (FIN or reset), even if bytes before that wait to be read?
  [[nodiscard]] bool peer_ended() noexcept;
  void shutdown_send() noexcept;
  void close() noexcept;
  void reset() noexcept;  // closes so that the peer sees a fault, not an end
  // Bytes that the kernel has taken so far: whether a long write makes progress.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] int native() const noexcept { return socket_.native(); }
  // Gives up the descriptor (and take_tls the session) so that another core goes on with it; nothing may be pending.
  [[nodiscard]] socket detach() noexcept;
  [[nodiscard]] std::unique_ptr<tls_channel> take_tls() noexcept { return std::move(tls_); }

  // read_some of a plain connection without a coroutine of its own, for the loops where a frame counts.
  [[nodiscard]] auto read_plain(std::span<char> out) noexcept {
    struct awaiter {
      stream& s;
      std::span<char> room;
      bool await_ready() noexcept { return s.has_share() && s.try_read(room); }
      void await_suspend(std::coroutine_handle<> h) { s.await_read(room, h); }
      io_result await_resume() const noexcept { return s.read_; }
    };
    return awaiter{*this, out};
  }

 private:
  void on_ready(std::uint32_t events) override;
  [[nodiscard]] bool try_read(std::span<char> out) noexcept;  // true: read_ holds the outcome
  void await_read(std::span<char> out, std::coroutine_handle<> h);
  [[nodiscard]] bool has_share() noexcept;  // has it not been read too often in this turn?
  void resume_soon(std::coroutine_handle<> h);
  [[nodiscard]] auto writable() noexcept {
    struct awaiter {
      stream& s;
      bool await_ready() const noexcept { return s.writable_ || !s.socket_.is_open(); }
      void await_suspend(std::coroutine_handle<> h) noexcept { s.writer_ = h; }
      bool await_resume() const noexcept { return s.socket_.is_open(); }
    };
    return awaiter{*this};
  }
  task<io_result> read_tls(std::span<char> out);
  task<std::error_code> write_tls(std::span<const part> parts);
  [[nodiscard]] bool send_some(std::span<const part> parts, write_state& at) noexcept;
  task<std::error_code> flush_tls();

  core& home_;
  socket socket_;
  bool readable_ = true;  // as far as is known: the next recv may find bytes
  bool writable_ = true;
  bool ended_ =
      false;  // the peer has ended its side, or the connection is broken: reads never have to wait
  std::uint8_t reads_ = 0;  // at once, since the reactor's turn `turn_`
  std::uint64_t turn_ = 0;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  std::span<char> room_;  // of the pending read
  io_result read_;
  std::uint64_t sent_ = 0;
  std::unique_ptr<tls_channel> tls_;
};

}  // namespace fairing::net
