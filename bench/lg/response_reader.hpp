// response_reader: the cheapest reading of HTTP/1.1 answers that still proves each one complete.
//
// Problem: a load client that spends more on parsing than the server on answering measures itself.
// It needs the status, where the answer ends, and little else.
// Flow: one reader a connection. feed(bytes) consumes up to the end of one answer and says how
// much;
//   when done(): status(), body_bytes(), then restart() for the next. body_left() tells how much of
//   a Content-Length body is still to come, so that the caller may discard it unread and
//   skip_body().
// Lifecycle: after failed() the connection is of no use. An answer that ends with the connection is
//   finished by at_eof().
// Threads: one. Cost: one scan of the head; bodies are counted, and copied only for keep_bodies().
// Source: RFC 9112 (message body length, section 6.3; chunked coding, section 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairing::bench {

class response_reader {
 public:
  // `head_only`: the requests are HEAD, so no answer has a body. `expected`: lower-case text that
  // every head must contain (see as_expected()); empty for none.
  explicit response_reader(bool head_only = false, std::string expected = {})
      : expected_(std::move(expected)), head_only_(head_only) {}

  // Consumes at most one answer's bytes; returns how many. Call again for the rest after restart().
  std::size_t feed(std::string_view bytes);

  // Counts `n` bytes of a Content-Length body that the caller took from the socket unread.
  // Precondition: n <= body_left().
  void skip_body(std::uint64_t n);

  // The peer closed: true if that ends the answer being read as its framing allows.
  [[nodiscard]] bool at_eof();

  void restart();

  // The bytes of bodies with a Content-Length are appended to `into` (null: they are only counted).
  void keep_bodies(std::string* into) noexcept { kept_ = into; }

  [[nodiscard]] bool done() const noexcept { return step_ == step::done; }
  [[nodiscard]] bool failed() const noexcept { return step_ == step::failed; }
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  [[nodiscard]] std::uint64_t body_left() const noexcept {
    return step_ == step::sized_body ? left_ : 0;
  }
  [[nodiscard]] bool will_close() const noexcept { return will_close_; }
  [[nodiscard]] bool as_expected() const noexcept { return as_expected_; }

 private:
  enum class step : std::uint8_t {
    head,        // before the empty line
    sized_body,  // Content-Length, left_ bytes to come
    chunk_size,  // in a chunk-size line
    chunk_data,  // left_ bytes of a chunk and its CRLF to come
    trailers,    // after the last chunk, up to the empty line
    until_eof,   // no length: the connection's end is the answer's end
    done,        // one complete answer was read
    failed,      // not HTTP/1.1, or a head or line beyond its limit
  };

  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_line(std::string_view bytes);
  std::size_t feed_counted(std::string_view bytes);
  void read_head(std::string_view head);
  void read_field(std::string_view line);
  void read_chunk_size();

  static constexpr std::size_t head_limit = 64 * 1024;
  static constexpr std::size_t line_limit = 4 * 1024;

  std::string pending_;  // an incomplete head or chunk-size line, seldom used
  std::string expected_;
  std::string* kept_ = nullptr;
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  step step_ = step::head;
  bool head_only_;
  bool chunked_ = false;
  bool sized_ = false;
  bool will_close_ = false;
  bool as_expected_ = true;
};

}  // namespace fairing::bench
