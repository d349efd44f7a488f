#include "http/logic/cache_status.hpp"

#include <algorithm>
#include <array>
#include <cstring>

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

// A line's beginning, put together in place and appended as a whole.
class piece {
 public:
  static constexpr std::size_t room_for_detail = 32;
  void put(std::string_view text) noexcept {
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }
  void put(std::int64_t value) noexcept {
    if (value < 0) *end_++ = '-';
    const auto size = static_cast<std::uint64_t>(value);
    end_ = codec::http1::put_decimal(end_, value < 0 ? 0 - size : size);
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data())};
  }

 private:
  std::array<char, 128 + room_for_detail>
      bytes_;  // all that a member has before its detail takes 100
  char* end_ = bytes_.data();
};

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
  piece p;
  p.put("fairing");
  if (s.hit) p.put("; hit");
  if (s.fwd != fwd_reason::none) {
    p.put("; fwd=");
    p.put(to_string(s.fwd));
  }
  if (s.fwd_status != 0) {
    p.put("; fwd-status=");
    p.put(std::int64_t{s.fwd_status});
  }
  if (s.has_ttl) {
    p.put("; ttl=");
    p.put(s.ttl.count());
  }
  if (s.stored) p.put("; stored");
  if (s.collapsed) p.put("; collapsed");
  if (!s.detail.empty()) p.put("; detail=");
  const bool token = !s.detail.empty() && is_token(s.detail);
  const bool fits = token && s.detail.size() <= piece::room_for_detail;
  if (fits) p.put(s.detail);
  out.append(p.text());
  if (s.detail.empty() || fits) return;
  if (token) {
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
