// tls: OpenSSL 3 as a sans-io channel (memory BIOs) and the contexts it comes from.
//
// Problem: TLS to clients (a site's cert and key) and to https upstreams (certificate and host name checked
// against the system's or a given CA), without OpenSSL touching a socket.
//
// Flow: bytes from the socket go in by feed(); plaintext comes out of read(); what must be sent is in take_output().
// Threads: a context from any thread, a channel on one core.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairing::net {

// What a client wants of the server's certificate.
enum class tls_verify : std::uint8_t {
  none,   // nothing: whoever answers is believed (sslmode=require and below)
  chain,  // that it leads to a trusted root
  full,   // and that it names the host
};

class tls_context {
 public:
  // Server side; both files PEM. TLS 1.2 and later; `protocol` is the one that ALPN may choose.
  static result<std::shared_ptr<tls_context>> server(const std::string& cert,
                                                     const std::string& key,
                                                     const std::string& protocol = "http/1.1");
  // Client side; verifies against ca_file, or the system's store if empty.
  static result<std::shared_ptr<tls_context>> client(const std::string& ca_file,
                                                     tls_verify verify = tls_verify::full,
                                                     const std::string& protocol = "http/1.1");
  ~tls_context();
  [[nodiscard]] void* native() const noexcept { return ctx_; }
  [[nodiscard]] bool is_server() const noexcept { return server_; }
  [[nodiscard]] tls_verify verify() const noexcept { return verify_; }
  // As ALPN lists it: its length, then its name.
  [[nodiscard]] const std::string& protocols() const noexcept { return protocols_; }

 private:
  tls_context(void* ctx, bool server, tls_verify verify, const std::string& protocol)
      : ctx_(ctx),
        server_(server),
        verify_(verify),
        protocols_(std::string(1, static_cast<char>(protocol.size())) + protocol) {}
  void* ctx_;  // SSL_CTX*
  bool server_;
  tls_verify verify_;
  std::string protocols_;
};

enum class tls_step : std::uint8_t {
  done,       // the call did what it was asked
  want_read,  // feed more bytes from the socket and call again
  closed,     // the peer ended the TLS session
  failed,     // error() says why
};

class tls_channel {
 public:
  // host: for clients, the name the certificate must bear (also SNI); ignored by servers.
  tls_channel(std::shared_ptr<tls_context> context, const std::string& host);
  ~tls_channel();
  tls_channel(const tls_channel&) = delete;
  tls_channel& operator=(const tls_channel&) = delete;

  void feed(std::string_view bytes);
  [[nodiscard]] tls_step handshake();
  [[nodiscard]] tls_step read(std::span<char> out, std::size_t& bytes);
  [[nodiscard]] tls_step write(std::string_view bytes);
  void close_notify();
  // Nothing decrypted is waiting and the session is open: the next byte would be a new answer's.
  [[nodiscard]] bool idle();
  // Ciphertext to send; cleared by the call.
  [[nodiscard]] std::string take_output();
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  [[nodiscard]] tls_step outcome(int rc);
  std::shared_ptr<tls_context> context_;
  void* ssl_;  // SSL*
  void* in_;   // BIO*
  void* out_;  // BIO*
  std::string error_;
};

}  // namespace fairing::net
