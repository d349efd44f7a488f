#include "http/logic/cache_status.hpp"

#include <algorithm>

#include "codec/http1/writer.hpp"

namespace fairing::http {
namespace {

// A token of RFC 9651 §3.3.4; any other text is written as a string.
bool is_token(std::string_view text) noexcept {
  const char c = ascii_lower(text.front());
  if (!((c >= 'a' && c <= 'z') || c == '*')) return false;
  return std::ranges::all_of(text, [](char x) { return is_token_char(x) || x == ':' || x == '/'; });
}

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c < ' ' || c > '~') continue;  // a structured string is printable ASCII
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void append_integer(std::string& out, std::int64_t value) {
  if (value < 0) out.push_back('-');
  codec::http1::append_decimal(out, static_cast<std::uint64_t>(value < 0 ? -value : value));
}

}  // namespace

std::string_view to_string(fwd_reason r) noexcept {
  switch (r) {
    case fwd_reason::none:
      return "";
    case fwd_reason::bypass:
      return "bypass";
    case fwd_reason::method:
      return "method";
    case fwd_reason::uri_miss:
      return "uri-miss";
    case fwd_reason::vary_miss:
      return "vary-miss";
    case fwd_reason::miss:
      return "miss";
    case fwd_reason::request:
      return "request";
    case fwd_reason::stale:
      return "stale";
    case fwd_reason::partial:
      return "partial";
  }
  return "";
}

void append_cache_status_member(std::string& out, const cache_status& s) {
  out.append("fairing");
  if (s.hit) out.append("; hit");
  if (s.fwd != fwd_reason::none) out.append("; fwd=").append(to_string(s.fwd));
  if (s.fwd_status != 0) {
    out.append("; fwd-status=");
    append_integer(out, s.fwd_status);
  }
  if (s.has_ttl) {
    out.append("; ttl=");
    append_integer(out, s.ttl.count());
  }
  if (s.stored) out.append("; stored");
  if (s.collapsed) out.append("; collapsed");
  if (s.detail.empty()) return;
  out.append("; detail=");
  if (is_token(s.detail)) {
    out.append(s.detail);
  } else {
    append_string(out, s.detail);
  }
}

void append_cache_status(std::string& out, const cache_status& s) {
  out.append("Cache-Status: ");
  append_cache_status_member(out, s);
  out.append("\r\n");
}

}  // namespace fairing::http
