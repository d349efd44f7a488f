#include "codec/http1/framing.hpp"

namespace fairing::codec::http1 {
namespace {

// A length that no signed 64-bit arithmetic downstream can turn negative.
constexpr std::uint64_t largest_length = INT64_MAX;

struct connection_options {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
};

connection_options read_connection(const message_head& head) noexcept {
  connection_options options;
  head.for_each_element(field::connection, [&](std::string_view option) {
    if (option == "keep-alive")  // as clients write it
      options.keep_alive = true;
    else if (iequals(option, "close"))
      options.close = true;
    else if (iequals(option, "keep-alive"))
      options.keep_alive = true;
    else if (iequals(option, "upgrade"))
      options.upgrade = true;
  });
  return options;
}

// An upgrade to another HTTP or to TLS would put a second, unread, conversation behind this one's back.
bool names_tunnel(const message_head& head) noexcept {
  bool fit = true;
  head.for_each_element(field::upgrade, [&](std::string_view protocol) {
    const auto name = protocol.substr(0, protocol.find('/'));
    for (const std::string_view other : {"h2c", "h2", "HTTP", "TLS"})
      fit = fit && !iequals(name, other);
  });
  return fit;
}

bool persistent(const connection_options& options, std::uint8_t version_minor) noexcept {
  return !options.close && (version_minor == 1 || options.keep_alive);
}

// Exactly `chunked`, once, in HTTP/1.1, without Content-Length. The marks say there is an encoding.
errc check_encoding(const field_marks& marks, std::uint8_t version_minor) noexcept {
  if (marks.length_count != 0) return errc::length_and_encoding;
  if (version_minor == 0 || marks.encoding_count != 1 || !iequals(marks.encoding, "chunked"))
    return errc::bad_transfer_encoding;
  return errc::ok;
}

errc read_length(std::string_view text, std::uint64_t& length) noexcept {
  const auto value = parse_digits(text);
  if (!value || *value > largest_length) return errc::bad_content_length;
  length = *value;
  return errc::ok;
}

// Origins are known to repeat the same length (on several lines or as `5, 5`): RFC 9110 §8.6 allows
// to take it once. Anything else, empty elements included, is refused.
errc read_equal_lengths(const message_head& head, std::uint64_t& length) noexcept {
  bool first = true;
  for (const auto& h : head.headers) {
    if (h.id != field::content_length) continue;
    for (std::string_view rest = h.value;;) {
      const auto comma = rest.find(',');
      std::uint64_t value = 0;
      if (read_length(trim_ows(rest.substr(0, comma)), value) != errc::ok)
        return errc::bad_content_length;
      if (!first && value != length) return errc::bad_content_length;
      length = value;
      first = false;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return errc::ok;
}

}  // namespace

errc decide_framing(const field_marks& marks, request_head& out) noexcept {
  if (marks.encoding_count != 0) {
    if (const auto e = check_encoding(marks, out.version_minor); e != errc::ok) return e;
    out.body = body_kind::chunked;
  } else if (marks.length_count != 0) {
    if (marks.length_count > 1) return errc::bad_content_length;
    if (const auto e = read_length(marks.length, out.content_length); e != errc::ok) return e;
    out.body = body_kind::length;
  }
  connection_options options;
  if (marks.connection) options = read_connection(out);
  out.keep_alive = persistent(options, out.version_minor);
  if (out.version_minor == 1) {
    out.expect_continue = iequals(marks.expect, "100-continue");
    // With a body it is no upgrade (RFC 9110 §7.8 lets us ignore it): the body would share the tunnel's way.
    const bool bodied = out.body == body_kind::chunked || out.content_length > 0;
    out.upgrade = options.upgrade && marks.upgrade && !bodied && names_tunnel(out);
  }
  return errc::ok;
}

errc decide_framing(const field_marks& marks, method request, response_head& out) noexcept {
  connection_options options;
  if (marks.connection) options = read_connection(out);
  out.keep_alive = persistent(options, out.version_minor);

  if (marks.encoding_count != 0) {
    if (const auto e = check_encoding(marks, out.version_minor); e != errc::ok) return e;
    out.body = body_kind::chunked;
  } else if (marks.length_count != 0) {
    if (const auto e = read_equal_lengths(out, out.content_length); e != errc::ok) return e;
    out.body = body_kind::length;
  } else {
    out.body = body_kind::until_close;
  }

  const bool tunnel = request == method::connect && out.status / 100 == 2;
  const bool bodyless = out.status < 200 || out.status == 204 || out.status == 304;
  if (bodyless || tunnel || request == method::head) {
    // A 204 that announces a body is doubtful: nothing after it can be trusted to be the next
    // answer.
    const bool announced = out.body == body_kind::chunked || out.content_length != 0;
    if (out.status == 204 && announced) out.keep_alive = false;
    out.body = body_kind::none;
  }
  if (out.body == body_kind::until_close) out.keep_alive = false;
  return errc::ok;
}

}  // namespace fairing::codec::http1
