#include <algorithm>

#include "codec/http1/parser.hpp"
#include "codec/http1/scan.hpp"
#include "codec/http1/writer.hpp"

namespace fairing::codec::http1 {
namespace {

constexpr std::uint8_t max_size_digits = 16;

// `name: value`, without its CRLF.
errc check_trailer(std::string_view line, std::string_view& name) noexcept {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return errc::bad_trailer;
  name = line.substr(0, colon);
  for (char c : name)
    if (!scan::is(c, scan::token)) return errc::bad_trailer;
  for (char c : line.substr(colon + 1))
    if (scan::is(c, scan::control)) return errc::bad_trailer;
  return errc::ok;
}

}  // namespace

void chunked_decoder::fail(errc e) noexcept {
  error_ = e;
  state_ = state::failed;
}

void chunked_decoder::size_byte(char c) noexcept {
  if (const int digit = scan::hex_value(c); digit >= 0) {
    // The top bit would make the size negative to signed arithmetic downstream.
    if (digits_ == max_size_digits || remaining_ >> 59 != 0) return fail(errc::bad_chunk_size);
    remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
    ++digits_;
    return;
  }
  if (digits_ == 0) return fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_size);
  if (c == ';') {
    state_ = state::extension_name;
    named_ = false;
    if (++extension_used_ > limits_.extension_bytes) fail(errc::bad_chunk_extension);
    return;
  }
  if (c == '\r') {
    state_ = state::size_lf;
    return;
  }
  fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_size);
}

// *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112 §7.1.1, without its bad white space.
void chunked_decoder::extension_byte(char c) noexcept {
  if (c == '\n') return fail(errc::bare_lf);
  const bool quoted = state_ == state::extension_quote || state_ == state::extension_escape;
  if (c == '\r' && !quoted) {
    const bool complete = state_ == state::extension_token || state_ == state::extension_end ||
                          (state_ == state::extension_name && named_);
    if (!complete) return fail(errc::bad_chunk_extension);
    state_ = state::size_lf;
    return;
  }
  if (++extension_used_ > limits_.extension_bytes) return fail(errc::bad_chunk_extension);
  const bool is_token = scan::is(c, scan::token);
  switch (state_) {
    case state::extension_name:
      if (is_token) {
        named_ = true;
        return;
      }
      if (!named_ || (c != '=' && c != ';')) break;
      named_ = false;
      if (c == '=') state_ = state::extension_value;
      return;
    case state::extension_value:
      if (!is_token && c != '"') break;
      state_ = is_token ? state::extension_token : state::extension_quote;
      return;
    case state::extension_token:
      if (is_token) return;
      [[fallthrough]];
    case state::extension_end:
      if (c != ';') break;
      state_ = state::extension_name;
      named_ = false;
      return;
    case state::extension_quote:
      if (scan::is(c, scan::control)) break;
      if (c == '"') state_ = state::extension_end;
      if (c == '\\') state_ = state::extension_escape;
      return;
    case state::extension_escape:
      if (scan::is(c, scan::control)) break;
      state_ = state::extension_quote;
      return;
    default:
      break;
  }
  fail(errc::bad_chunk_extension);
}

// The LF after a size line, and the CRLF after data.
void chunked_decoder::line_break(char c) noexcept {
  if (state_ == state::data_cr) {
    if (c != '\r') return fail(errc::bad_chunk_end);
    state_ = state::data_lf;
    return;
  }
  if (c != '\n') return fail(state_ == state::size_lf ? errc::bare_cr : errc::bad_chunk_end);
  if (state_ == state::data_lf) {
    state_ = state::size;
  } else {
    state_ = remaining_ == 0 ? state::trailer : state::data;
  }
  digits_ = 0;
}

void chunked_decoder::trailer_line() {
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return fail(errc::bare_lf);
  const auto text = std::string_view(line_).substr(0, line_.size() - 2);
  if (text.empty()) {
    state_ = state::done;
    return;
  }
  std::string_view name;
  if (const auto e = check_trailer(text, name); e != errc::ok) return fail(e);
  if (!is_forbidden_trailer(name)) trailers_ += line_;
  line_.clear();
}

std::size_t chunked_decoder::trailer_bytes(std::string_view bytes) {
  const auto lf = bytes.find('\n');
  const auto size = lf == std::string_view::npos ? bytes.size() : lf + 1;
  if (size > limits_.trailer_bytes - trailer_used_) {
    fail(errc::bad_trailer);
    return size;
  }
  trailer_used_ += size;
  line_.append(bytes.substr(0, size));
  if (lf != std::string_view::npos) trailer_line();
  return size;
}

chunked_decoder::step chunked_decoder::next(std::string_view bytes) {
  step out;
  while (out.consumed < bytes.size() && state_ != state::done && state_ != state::failed) {
    const auto rest = bytes.substr(out.consumed);
    switch (state_) {
      case state::data: {
        const auto size = std::min<std::uint64_t>(remaining_, rest.size());
        out.data = rest.substr(0, size);
        out.consumed += size;
        remaining_ -= size;
        if (remaining_ == 0) state_ = state::data_cr;
        return out;
      }
      case state::trailer:
        out.consumed += trailer_bytes(rest);
        continue;
      case state::size:
        size_byte(rest.front());
        break;
      case state::size_lf:
      case state::data_cr:
      case state::data_lf:
        line_break(rest.front());
        break;
      default:
        extension_byte(rest.front());
        break;
    }
    ++out.consumed;
  }
  if (state_ == state::done) out.status = parse_status::complete;
  if (state_ == state::failed) out.status = parse_status::error;
  return out;
}

}  // namespace fairing::codec::http1
