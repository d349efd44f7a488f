// parser: strict, incremental, zero-copy parsing of HTTP/1.1 request and response heads.
//
// Problem: what Fairing forwards must mean the same to it and to the backend, so anything ambiguous
// is refused: Content-Length with Transfer-Encoding, differing or malformed lengths, bare CR or LF,
// NUL and other controls, space before the colon, obs-fold, unknown or repeated transfer codings, a
// missing or repeated Host, a malformed target.
//
// Flow:
//   head_parser p{limits};
//   switch (p.parse_request(buffer, head)) {          // buffer: all unconsumed bytes, from the
//   head's first
//     case parse_status::need_more: read more and call again with the longer (possibly moved)
//     buffer case parse_status::complete:  head.size bytes are consumed; then p.reset() case
//     parse_status::error:     p.error() says why; answer status_for(p.error()) and close
//   }
// A call after need_more continues where the last one stopped scanning: total work is linear. An
// error is reported as soon as its bytes are there as far as that allows: control characters, bare
// CR and LF at once; anything else at once in the first 256 bytes, later at the latest when the
// head has doubled. However the bytes arrive, the verdict is the same. Cost: one pass; no
// allocation once head.headers has its capacity. Never throws. Any one thread. Source: RFC 9112,
// RFC 9110 §5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "codec/http1/head.hpp"

namespace fairing::codec::http1 {

struct parse_limits {
  std::size_t head_bytes = 64 * 1024;    // whole head: over it, head_too_large (431)
  std::size_t target_bytes = 16 * 1024;  // request target: over it, target_too_long (414)
  std::size_t fields = 128;              // field lines: over it, head_too_large (431)
};

enum class errc {
  ok = 0,
  bad_request_line,  // not `method SP target SP HTTP/1.x`
  bad_status_line,   // not `HTTP/1.x SP 3DIGIT [SP reason]`
  bad_method,        // empty, over 32 bytes, or not a token
  bad_target,   // control, space, fragment, bad percent sign, or a form the method does not allow
  bad_version,  // HTTP/0.9, HTTP/2 in an HTTP/1 connection: 505
  bare_cr,      // CR not followed by LF
  bare_lf,      // LF not preceded by CR
  bad_field_name,         // empty, not a token, or white space before the colon
  bad_field_value,        // NUL or another control character but HTAB
  obs_fold,               // a line that continues the one before
  bad_content_length,     // not digits, overflow, or values that differ
  bad_transfer_encoding,  // not exactly one `chunked`, last, alone; or in HTTP/1.0
  length_and_encoding,    // Content-Length together with Transfer-Encoding
  bad_host,         // missing in 1.1, repeated, malformed, or unlike the absolute-form authority
  head_too_large,   // 431
  target_too_long,  // 414
  bad_chunk_size,   // not hex digits, sign, 0x, underscore, over 16 digits
  bad_chunk_extension,  // malformed or over the limit
  bad_chunk_end,        // chunk data not followed by CRLF
  bad_trailer,          // malformed, forbidden or too large trailer section
};
[[nodiscard]] const std::error_category& http1_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), http1_category()};
}
// The status that answers a request with this fault: 400, 414, 431 or 505. An unknown transfer
// coding is a 400 as well: what cannot be framed is ambiguous, and the connection is closed.
[[nodiscard]] std::uint16_t status_for(errc e) noexcept;

enum class parse_status : std::uint8_t { need_more, complete, error };

class head_parser {
 public:
  explicit head_parser(parse_limits limits = {}) noexcept : limits_(limits) {}

  // Leading empty lines (CRLF) before a request line are skipped, at most 4 (RFC 9112 §2.2); they
  // count into head.size.
  [[nodiscard]] parse_status parse_request(std::string_view buffer, request_head& out);
  // `request` is the method that this answers: the body of a response depends on it (RFC 9112
  // §6.3). Interim (1xx) heads are returned like others with body none; the caller reads on for the
  // final one.
  [[nodiscard]] parse_status parse_response(std::string_view buffer, method request,
                                            response_head& out);

  [[nodiscard]] errc error() const noexcept { return error_; }
  void reset() noexcept {
    scanned_ = 0;
    parsed_ = 0;
    error_ = errc::ok;
  }

 private:
  [[nodiscard]] bool worth_parsing(std::string_view buffer) noexcept;
  [[nodiscard]] bool found_stop(std::string_view buffer) noexcept;
  [[nodiscard]] parse_status fail(errc e) noexcept;
  [[nodiscard]] parse_status wait_for_more(std::string_view buffer) noexcept;

  parse_limits limits_;
  std::size_t scanned_ = 0;  // bytes of the buffer already searched for the end of the head
  std::size_t parsed_ = 0;   // size of the buffer at the last attempt to parse it; 0: none yet
  errc error_ = errc::ok;
};

// Decodes a chunked body slice by slice, in place. Strict: a size is hex digits alone; extensions
// follow their grammar without white space; every line ends in CRLF; nothing is skipped silently
// but valid extensions.
//
//   auto step = decoder.next(bytes);   // bytes: unconsumed input
//   step.data is body (a view into bytes, maybe empty); drop step.consumed bytes and go on
//   until step.status is complete (the trailer section is consumed as well), need_more, or error.
class chunked_decoder {
 public:
  struct limits {
    std::size_t extension_bytes = 1024;  // sum over the whole body
    std::size_t trailer_bytes = 8 * 1024;
  };
  struct step {
    std::size_t consumed = 0;
    std::string_view data;
    parse_status status = parse_status::need_more;  // need_more also after data: call again
  };
  chunked_decoder() noexcept : chunked_decoder(limits{}) {}
  explicit chunked_decoder(limits l) noexcept : limits_(l) {}
  [[nodiscard]] step next(std::string_view bytes);
  [[nodiscard]] errc error() const noexcept { return error_; }
  // The raw trailer lines (each ending in CRLF, validated), valid after `complete`; forbidden
  // fields (framing, routing, authentication: RFC 9110 §6.5.1) have been dropped.
  [[nodiscard]] std::string_view trailers() const noexcept { return trailers_; }
  // Bytes that the chunk in hand has announced and not yet brought.
  [[nodiscard]] std::uint64_t chunk_left() const noexcept {
    return state_ == state::data ? remaining_ : 0;
  }
  void reset() { *this = chunked_decoder(limits_); }

 private:
  enum class state : std::uint8_t {
    size,              // hex digits
    extension_name,    // after ';'
    extension_value,   // after '=': the first byte of the value
    extension_token,   // inside a token value
    extension_quote,   // inside a quoted value
    extension_escape,  // after a backslash inside it
    extension_end,     // after the closing quote
    size_lf,           // after the CR of the size line
    data,              // `remaining_` bytes of it
    data_cr,           // the CRLF after data
    data_lf,
    trailer,  // lines up to the empty one
    done,
    failed,
  };
  void fail(errc e) noexcept;
  void size_byte(char c) noexcept;
  void extension_byte(char c) noexcept;
  void line_break(char c) noexcept;
  std::size_t trailer_bytes(std::string_view bytes);
  void trailer_line();

  limits limits_;
  state state_ = state::size;
  bool named_ = false;  // the extension's name has at least one byte
  errc error_ = errc::ok;
  std::uint64_t remaining_ = 0;
  std::uint8_t digits_ = 0;
  std::size_t extension_used_ = 0;
  std::size_t trailer_used_ = 0;
  std::string line_;  // the current trailer line
  std::string trailers_;
};

}  // namespace fairing::codec::http1

template <>
struct std::is_error_code_enum<fairing::codec::http1::errc> : std::true_type {};
