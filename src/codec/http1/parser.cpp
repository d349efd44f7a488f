#include "codec/http1/parser.hpp"

#include <algorithm>
#include <cstring>

#include "codec/http1/framing.hpp"
#include "codec/http1/scan.hpp"
#include "codec/http1/target.hpp"

namespace fairing::codec::http1 {
namespace {

constexpr std::size_t max_empty_lines = 4;
constexpr std::ptrdiff_t max_method_bytes = 32;
constexpr std::size_t always_parse_bytes = 256;  // up to here every call parses all there is

enum class step : std::uint8_t {
  ok,    // this part is complete, the cursor stands after it
  more,  // the bytes end inside it
  bad,   // cursor.error says why
};

struct cursor {
  const char* p;
  const char* end;
  errc error = errc::ok;

  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end - p); }
  step fail(errc e) noexcept {
    error = e;
    return step::bad;
  }
};

// Consumes CRLF; `other` is the fault if something else stands there.
step line_end(cursor& in, errc other) noexcept {
  if (in.p == in.end) return step::more;
  if (*in.p == '\n') return in.fail(errc::bare_lf);
  if (*in.p != '\r') return in.fail(other);
  if (in.left() < 2) return step::more;
  if (in.p[1] != '\n') return in.fail(errc::bare_cr);
  in.p += 2;
  return step::ok;
}

step empty_lines(cursor& in) noexcept {
  for (std::size_t n = 0;; ++n) {
    if (in.p == in.end) return step::more;
    if (*in.p != '\r' && *in.p != '\n') return step::ok;
    if (n == max_empty_lines) return in.fail(errc::bad_request_line);
    if (const auto s = line_end(in, errc::bad_request_line); s != step::ok) return s;
  }
}

step parse_method(cursor& in, request_head& out) noexcept {
  const char* start = in.p;
  if (in.left() >= 4 && std::memcmp(start, "GET ", 4) == 0) [[likely]] {
    out.method = method::get;
    out.method_text = {start, 3};
    in.p += 4;
    return step::ok;
  }
  for (;; ++in.p) {
    if (in.p == in.end) return step::more;
    if (*in.p == ' ') break;
    if (*in.p == '\n') return in.fail(errc::bare_lf);
    if (*in.p == '\r' && in.p != start) return in.fail(errc::bad_request_line);
    if (!scan::is(*in.p, scan::token) || in.p - start == max_method_bytes)
      return in.fail(errc::bad_method);
  }
  if (in.p == start) return in.fail(errc::bad_method);
  out.method_text = {start, static_cast<std::size_t>(in.p - start)};
  out.method = method_from_name(out.method_text);
  ++in.p;
  return step::ok;
}

// What may stand at `p`, a byte of the target's stop set that does not end it.
errc target_fault(const char* p) noexcept { return *p == '\n' ? errc::bare_lf : errc::bad_target; }

step parse_target(cursor& in, std::size_t limit, request_head& out,
                  std::size_t& question) noexcept {
  const char* start = in.p;
  // One byte beyond the limit, so that the verdict does not depend on how much is there already.
  const char* bound = in.left() > limit ? start + limit + 1 : in.end;
  question = std::string_view::npos;
  const char* p = start;
  for (;;) {
    p = scan::find_target_stop(p, bound);
    if (p == bound) {
      if (static_cast<std::size_t>(p - start) > limit) return in.fail(errc::target_too_long);
      return step::more;
    }
    if (*p == ' ') break;
    if (*p == '?') {
      if (question == std::string_view::npos) question = static_cast<std::size_t>(p - start);
      ++p;
    } else if (*p == '%') {
      for (int digits = 0; digits < 2; ++digits) {
        if (++p == bound) break;
        if (!scan::is(*p, scan::hex)) return in.fail(target_fault(p));
      }
      if (p != bound) ++p;
    } else if (*p == '\r') {
      // `GET /` and nothing more is HTTP/0.9.
      if (p + 1 == in.end) return step::more;
      return in.fail(p[1] == '\n' ? errc::bad_version : errc::bare_cr);
    } else {
      return in.fail(target_fault(p));
    }
  }
  if (p == start) return in.fail(errc::bad_target);
  out.target = {start, static_cast<std::size_t>(p - start)};
  in.p = p + 1;
  return step::ok;
}

// `HTTP/1.0` or `HTTP/1.1`; `other` is the fault if it is no version at all.
step parse_version(cursor& in, std::uint8_t& minor, errc other) noexcept {
  static constexpr std::string_view pattern = "HTTP/1.";
  if (in.left() > pattern.size() && std::memcmp(in.p, pattern.data(), pattern.size()) == 0 &&
      (in.p[7] == '1' || in.p[7] == '0')) [[likely]] {
    minor = static_cast<std::uint8_t>(in.p[7] - '0');
    in.p += pattern.size() + 1;
    return step::ok;
  }
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i <= pattern.size(); ++i) {
    if (i == in.left()) return step::more;
    const char c = in.p[i];
    if (i < pattern.size() && c == pattern[i]) continue;
    if (c == '\n') return in.fail(errc::bare_lf);
    return in.fail((i == 5 || i == 7) && digit(c) ? errc::bad_version : other);
  }
  return in.fail(other);
}

step request_line(cursor& in, std::size_t target_limit, request_head& out,
                  std::size_t& question) noexcept {
  if (const auto s = parse_method(in, out); s != step::ok) return s;
  if (const auto s = parse_target(in, target_limit, out, question); s != step::ok) return s;
  if (const auto s = parse_version(in, out.version_minor, errc::bad_request_line); s != step::ok)
    return s;
  return line_end(in, errc::bad_request_line);
}

step status_line(cursor& in, response_head& out) noexcept {
  if (const auto s = parse_version(in, out.version_minor, errc::bad_status_line); s != step::ok)
    return s;
  unsigned status = 0;
  for (std::size_t i = 0; i < 4; ++i, ++in.p) {
    if (in.p == in.end) return step::more;
    const char c = *in.p;
    if (c == '\n') return in.fail(errc::bare_lf);
    const bool fits = i == 0 ? c == ' ' : c >= (i == 1 ? '1' : '0') && c <= '9';
    if (!fits) return in.fail(errc::bad_status_line);
    if (i != 0) status = status * 10 + static_cast<unsigned>(c - '0');
  }
  out.status = static_cast<std::uint16_t>(status);
  out.reason = {};
  if (in.p != in.end && *in.p == ' ') {
    const char* start = ++in.p;
    for (;; ++in.p) {
      in.p = scan::find_value_stop(in.p, in.end);
      if (in.p == in.end || *in.p != '\t') break;
    }
    out.reason = {start, static_cast<std::size_t>(in.p - start)};
  }
  return line_end(in, errc::bad_status_line);
}

constexpr auto marked = bit_of(field::host) | bit_of(field::content_length) |
                        bit_of(field::transfer_encoding) | bit_of(field::connection) |
                        bit_of(field::upgrade) | bit_of(field::expect);

void mark(field_marks& marks, field id, std::string_view value) noexcept {
  switch (id) {
    case field::host:
      if (marks.host_count++ == 0) marks.host = value;
      break;
    case field::content_length:
      if (marks.length_count++ == 0) marks.length = value;
      break;
    case field::transfer_encoding:
      if (marks.encoding_count++ == 0) marks.encoding = value;
      break;
    case field::connection:
      marks.connection = true;
      break;
    case field::upgrade:
      marks.upgrade = true;
      break;
    case field::expect:
      marks.expect = value;
      break;
    default:
      break;
  }
}

// One line whose first byte is neither CR nor LF, its CRLF included.
step field_line(cursor& in, header& out) noexcept {
  const char* start = in.p;
  if (*start == ' ' || *start == '\t') return in.fail(errc::obs_fold);
  const char* colon = scan::find_name_end(start, in.end);
  out.name = {start, static_cast<std::size_t>(colon - start)};
  // A name of the table is a token; only others are looked at byte by byte.
  out.id = field_from_name(out.name);
  if (out.id == field::other && !scan::is_token(start, colon, in.end))
    return in.fail(errc::bad_field_name);
  if (colon == in.end) return step::more;
  if (*colon == '\n') return in.fail(errc::bare_lf);
  if (*colon != ':' || colon == start) return in.fail(errc::bad_field_name);

  const char* value = colon + 1;
  while (value != in.end && (*value == ' ' || *value == '\t')) ++value;
  for (in.p = value;; ++in.p) {
    in.p = scan::find_value_stop(in.p, in.end);
    if (in.p == in.end) return step::more;
    if (*in.p != '\t') break;
  }
  const char* last = in.p;
  while (last != value && (last[-1] == ' ' || last[-1] == '\t')) --last;
  out.value = {value, static_cast<std::size_t>(last - value)};
  return line_end(in, errc::bad_field_value);
}

step parse_fields(cursor& in, std::size_t limit, message_head& out, field_marks& marks) {
  for (;;) {
    if (in.p == in.end) return step::more;
    if (*in.p == '\r' || *in.p == '\n') return line_end(in, errc::bad_field_name);
    if (out.headers.size() == limit) return in.fail(errc::head_too_large);
    header h;
    if (const auto s = field_line(in, h); s != step::ok) return s;
    out.present |= bit_of(h.id);
    if (bit_of(h.id) & marked) mark(marks, h.id, h.value);
    out.headers.push_back(h);
  }
}

void clear(message_head& out) noexcept {
  out.headers.clear();
  out.present = 0;
  out.content_length = 0;
  out.body = body_kind::none;
  out.keep_alive = true;
  out.size = 0;
}

}  // namespace

parse_status head_parser::fail(errc e) noexcept {
  error_ = e;
  return parse_status::error;
}

parse_status head_parser::wait_for_more(std::string_view buffer) noexcept {
  if (buffer.size() >= limits_.head_bytes) return fail(errc::head_too_large);
  parsed_ = buffer.size();
  scanned_ = buffer.size();
  return parse_status::need_more;
}

// Looks at the bytes that came since for the end of the head or for a character that none may
// contain.
bool head_parser::found_stop(std::string_view buffer) noexcept {
  const char* begin = buffer.data();
  const char* end = begin + buffer.size();
  const char* p = begin + std::min(scanned_ == 0 ? 0 : scanned_ - 1, buffer.size());
  for (;; ++p) {
    p = scan::find_value_stop(p, end);
    if (p == end) break;
    if (*p == '\t') continue;
    if (*p == '\r') {
      if (p + 1 == end) break;  // looked at again next time
      if (p[1] != '\n') return true;
    } else if (*p != '\n' || p == begin || p[-1] != '\r' || (p - begin >= 2 && p[-2] == '\n')) {
      return true;
    }
  }
  scanned_ = buffer.size();
  return false;
}

// Parsing always starts at the head's first byte (views must be into the present buffer), so an
// attempt is made only when it can end, or when the bytes have doubled since the last one: linear
// in total.
bool head_parser::worth_parsing(std::string_view buffer) noexcept {
  if (parsed_ == 0 || buffer.size() <= always_parse_bytes) return true;
  if (found_stop(buffer)) return true;
  const auto size = buffer.size();
  // The target starts at most a method and a few empty lines after the head does.
  const auto target_bound = limits_.target_bytes + 64;
  return size / 2 >= parsed_ || size >= limits_.head_bytes ||
         (parsed_ <= target_bound && size > target_bound);
}

parse_status head_parser::parse_request(std::string_view buffer, request_head& out) {
  if (error_ != errc::ok) return parse_status::error;
  if (!worth_parsing(buffer)) return parse_status::need_more;
  clear(out);
  out.expect_continue = false;
  out.upgrade = false;
  cursor in{buffer.data(), buffer.data() + std::min(buffer.size(), limits_.head_bytes)};
  std::size_t question = std::string_view::npos;
  field_marks marks;
  auto s = empty_lines(in);
  if (s == step::ok) s = request_line(in, limits_.target_bytes, out, question);
  if (s == step::ok) s = parse_fields(in, limits_.fields, out, marks);
  if (s == step::more) return wait_for_more(buffer);
  if (s == step::bad) return fail(in.error);
  if (const auto e = resolve_target(marks, question, out); e != errc::ok) return fail(e);
  if (const auto e = decide_framing(marks, out); e != errc::ok) return fail(e);
  out.size = static_cast<std::size_t>(in.p - buffer.data());
  return parse_status::complete;
}

parse_status head_parser::parse_response(std::string_view buffer, method request,
                                         response_head& out) {
  if (error_ != errc::ok) return parse_status::error;
  if (!worth_parsing(buffer)) return parse_status::need_more;
  clear(out);
  cursor in{buffer.data(), buffer.data() + std::min(buffer.size(), limits_.head_bytes)};
  field_marks marks;
  auto s = status_line(in, out);
  if (s == step::ok) s = parse_fields(in, limits_.fields, out, marks);
  if (s == step::more) return wait_for_more(buffer);
  if (s == step::bad) return fail(in.error);
  if (const auto e = decide_framing(marks, request, out); e != errc::ok) return fail(e);
  out.size = static_cast<std::size_t>(in.p - buffer.data());
  return parse_status::complete;
}

}  // namespace fairing::codec::http1
