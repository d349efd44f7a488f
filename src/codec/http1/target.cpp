#include "codec/http1/target.hpp"

#include "codec/http1/scan.hpp"

namespace fairing::codec::http1 {
namespace {

bool valid_port(std::string_view port) noexcept {
  if (port.empty() || port.size() > 5) return false;
  const auto value = parse_digits(port);
  return value && *value >= 1 && *value <= 65535;
}

// After '[': hex digits, colons, dots up to ']'. Zone ids and IPvFuture are refused. Whether the
// address exists is the resolver's matter.
std::size_t literal_end(std::string_view text) noexcept {
  std::size_t i = 1;
  while (i < text.size() && (scan::is(text[i], scan::hex) || text[i] == ':' || text[i] == '.')) ++i;
  return i > 2 && i < text.size() && text[i] == ']' ? i + 1 : 0;
}

std::size_t name_end(std::string_view text) noexcept {
  std::size_t i = 0;
  for (;;) {
    while (i < text.size() && scan::is(text[i], scan::host)) ++i;
    if (i < text.size() && text[i] == '%' && i + 2 < text.size() &&
        scan::is(text[i + 1], scan::hex) && scan::is(text[i + 2], scan::hex)) {
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

// The bytes of `http://` or `https://` that the target begins with; 0 for anything else.
std::size_t scheme_size(std::string_view target) noexcept {
  if (target.size() > 7 && iequals(target.substr(0, 7), "http://")) return 7;
  if (target.size() > 8 && iequals(target.substr(0, 8), "https://")) return 8;
  return 0;
}

void split_path(std::string_view target, std::size_t from, std::size_t question,
                request_head& out) noexcept {
  out.has_query = question != std::string_view::npos;
  out.path = target.substr(from, out.has_query ? question - from : std::string_view::npos);
  out.query = out.has_query ? target.substr(question + 1) : std::string_view{};
  if (out.path.empty()) out.path = "/";
}

errc resolve_absolute(std::size_t question, request_head& out) noexcept {
  const auto scheme = scheme_size(out.target);
  if (scheme == 0) return errc::bad_target;
  auto end = out.target.find('/', scheme);
  if (end == std::string_view::npos || end > question) end = question;
  if (end == std::string_view::npos) end = out.target.size();
  out.authority = out.target.substr(scheme, end - scheme);
  if (!valid_authority(out.authority)) return errc::bad_target;
  split_path(out.target, end, question, out);
  // RFC 9112 §3.2.4: this form, with no path and no query, is how a proxy is asked for `OPTIONS *`.
  if (out.method == method::options && end == out.target.size()) out.path = "*";
  return errc::ok;
}

}  // namespace

bool valid_authority(std::string_view text) noexcept {
  if (text.empty()) return false;
  const auto end = text.front() == '[' ? literal_end(text) : name_end(text);
  if (end == 0) return false;
  if (end == text.size()) return true;
  return text[end] == ':' && valid_port(text.substr(end + 1));
}

errc resolve_target(const field_marks& marks, std::size_t question, request_head& out) noexcept {
  out.authority = {};
  out.plain_path = false;
  const bool connect = out.method == method::connect;
  if (!connect && out.target.front() == '/') [[likely]] {
    split_path(out.target, 0, question, out);
    out.plain_path = scan::is_plain_path(out.path.data(), out.path.data() + out.path.size());
  } else if (connect) {
    const bool has_port =
        out.target.rfind(':') != std::string_view::npos && out.target.back() != ']';
    if (!has_port || !valid_authority(out.target)) return errc::bad_target;
    out.authority = out.target;
    out.path = "/";
    out.query = {};
    out.has_query = false;
  } else if (out.target == "*") {
    if (out.method != method::options) return errc::bad_target;
    out.path = "*";
    out.query = {};
    out.has_query = false;
  } else if (const auto e = resolve_absolute(question, out); e != errc::ok) {
    return e;
  }

  if (marks.host_count > 1) return errc::bad_host;
  if (marks.host_count == 0) return out.version_minor == 0 ? errc::ok : errc::bad_host;
  // An http URI always has an authority, so an empty Host names nothing: only HTTP/1.0 may send it.
  if (!valid_authority(marks.host) && !(marks.host.empty() && out.version_minor == 0))
    return errc::bad_host;
  if (out.authority.empty())
    out.authority = marks.host;
  else if (!iequals(out.authority, marks.host))
    return errc::bad_host;
  return errc::ok;
}

}  // namespace fairing::codec::http1
