// stream: the socket edge: one connected TCP or unix socket, with or without TLS.
//
// Problem: sessions must not know the reactor, the address family or whether there is TLS; the reactor must be
// replaceable without touching a plane. A stream reads some bytes, writes a gathered list of parts (memory, or a
// range of a sealed file by sendfile), and closes.
//
// Flow:
//   auto r = co_await s.read_some(buffer);          // r.bytes == 0 with eof or error
//   auto e = co_await s.write(parts);               // all of them, or an error
// Lifecycle: close() makes every pending operation end with an error; the object must outlive them.
// Threads: the home core only.
// Cost: one read is one recv; one write is one sendmsg per 64 memory parts, one sendfile a file part.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/sealed_file.hpp"
#include "net/task.hpp"

namespace fairing::net {

using socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                boost::asio::io_context::executor_type>;
using std::size_t;

struct io_result {
  boost::system::error_code error;  // eof is asio::error::eof
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
  boost::system::error_code error;
};

class tls_channel;  // OpenSSL over memory, see tls.hpp

class stream {
 public:
  explicit stream(socket s);
  stream(stream&&) noexcept;
  stream& operator=(stream&&) noexcept;
  ~stream();

  // Puts TLS on the connection; the handshake is its own step: co_await handshake().
  void set_tls(std::unique_ptr<tls_channel> channel);
  [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }
  task<boost::system::error_code> handshake();
  // Why the TLS session failed, or the error's own words.
  [[nodiscard]] std::string tls_error(const boost::system::error_code& ec) const;

  task<io_result> read_some(std::span<char> out);
  // Sends what the socket takes at once, without a coroutine; true when all is sent or at.error is set. False: go on
  // with write(parts, at). Always false with TLS.
  [[nodiscard]] bool send_now(std::span<const part> parts, write_state& at) noexcept;
  task<boost::system::error_code> write(std::span<const part> parts, write_state at = {});
  task<boost::system::error_code> write(std::string_view bytes);

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
  [[nodiscard]] int native() noexcept { return socket_.native_handle(); }
  // The reading awaitable of the plain socket, for the one loop where a coroutine frame counts.
  [[nodiscard]] socket& raw() noexcept { return socket_; }

 private:
  task<io_result> read_tls(std::span<char> out);
  task<boost::system::error_code> write_tls(std::span<const part> parts);
  [[nodiscard]] bool send_some(std::span<const part> parts, write_state& at) noexcept;
  task<boost::system::error_code> flush_tls();

  socket socket_;
  std::uint64_t sent_ = 0;
  std::unique_ptr<tls_channel> tls_;
};

// Awaitable operations on a raw socket.
namespace detail {
template <class Start>
struct socket_operation {
  Start start;
  io_result result;
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    start([this, h](const boost::system::error_code& ec, size_t n = 0) {
      result = {ec, n};
      h.resume();
    });
  }
  io_result await_resume() noexcept { return result; }
};
}  // namespace detail

template <class Start>
[[nodiscard]] auto start_operation(Start start) {
  return detail::socket_operation<Start>{std::move(start), {}};
}

[[nodiscard]] inline auto async_read(socket& s, std::span<char> out) {
  return start_operation([&s, out](auto handler) {
    s.async_read_some(boost::asio::mutable_buffer(out.data(), out.size()), std::move(handler));
  });
}
[[nodiscard]] inline auto async_wait_writable(socket& s) {
  return start_operation(
      [&s](auto handler) { s.async_wait(socket::wait_write, std::move(handler)); });
}

}  // namespace fairing::net
