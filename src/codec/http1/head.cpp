#include "codec/http1/head.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace fairing::codec::http1 {
namespace {

// In the order of `field`, as written on the wire.
constexpr std::array<std::string_view, 61> wire_names = {
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Cache-Status",
    "Cache-Tag",
    "Cache-Tags",
    "CDN-Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Max-Forwards",
    "Pragma",
    "Prefer",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "Surrogate-Control",
    "Surrogate-Key",
    "TE",
    "traceparent",
    "tracestate",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "Warning",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "xkey",
    "xkey-purge",
};
static_assert(wire_names.size() == static_cast<std::size_t>(field::xkey_purge) + 1);

constexpr std::size_t longest_name = 19;

// The name in lower case and, for each byte, 0x20 where it is a letter: (byte | fold) == lower is
// then an exact case-insensitive comparison. (Folding every byte would make CR equal to '-'.)
struct slot {
  alignas(16) std::array<char, 32> lower{};
  std::array<char, 32> fold{};
  std::uint8_t length = 0;
  field id = field::other;
};

// Perfect over the names above: the constants were searched for once, make_slots proves them.
constexpr std::size_t slot_of(std::string_view name) noexcept {
  const auto low = [](char c) {
    return static_cast<std::size_t>(static_cast<unsigned char>(c)) | 0x20;
  };
  return (name.size() + low(name.front()) * 49 + low(name.back()) * 52 +
          low(name[name.size() / 2])) &
         255;
}

consteval std::array<slot, 256> make_slots() {
  std::array<slot, 256> slots{};
  for (std::size_t i = 1; i < wire_names.size(); ++i) {
    const auto name = wire_names[i];
    auto& s = slots[slot_of(name)];
    if (s.length != 0) throw "two names share a slot: search new constants for slot_of";
    if (name.size() > longest_name) throw "raise longest_name";
    s.length = static_cast<std::uint8_t>(name.size());
    s.id = static_cast<field>(i);
    for (std::size_t k = 0; k < name.size(); ++k) {
      s.lower[k] = ascii_lower(name[k]);
      s.fold[k] = s.lower[k] >= 'a' && s.lower[k] <= 'z' ? 0x20 : 0;
    }
  }
  return slots;
}
constexpr auto slots = make_slots();

template <class Word>
bool same(const char* text, const slot& s, std::size_t at) noexcept {
  Word x, fold, lower;
  std::memcpy(&x, text + at, sizeof x);
  std::memcpy(&fold, s.fold.data() + at, sizeof fold);
  std::memcpy(&lower, s.lower.data() + at, sizeof lower);
  return static_cast<Word>(x | fold) == lower;
}

// Two overlapping words cover every length without reading past the name.
bool same_name(std::string_view name, const slot& s) noexcept {
  const auto n = name.size();
  const char* p = name.data();
  if (n >= 16)
    return same<std::uint64_t>(p, s, 0) && same<std::uint64_t>(p, s, 8) &&
           same<std::uint64_t>(p, s, n - 8);
  if (n >= 8) return same<std::uint64_t>(p, s, 0) && same<std::uint64_t>(p, s, n - 8);
  if (n >= 4) return same<std::uint32_t>(p, s, 0) && same<std::uint32_t>(p, s, n - 4);
  for (std::size_t i = 0; i < n; ++i)
    if (!same<std::uint8_t>(p, s, i)) return false;
  return true;
}

constexpr std::array<std::string_view, 11> method_names = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PURGE", "",
};
static_assert(method_names.size() == static_cast<std::size_t>(method::other) + 1);

}  // namespace

field field_from_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > longest_name) return field::other;
  const auto& s = slots[slot_of(name)];
  return s.length == name.size() && same_name(name, s) ? s.id : field::other;
}

std::string_view field_name(field id) noexcept {
  const auto i = static_cast<std::size_t>(id);
  return i < wire_names.size() ? wire_names[i] : std::string_view{};
}

method method_from_name(std::string_view name) noexcept {
  switch (name.size()) {
    case 3:
      if (name == "GET") return method::get;
      if (name == "PUT") return method::put;
      break;
    case 4:
      if (name == "POST") return method::post;
      if (name == "HEAD") return method::head;
      break;
    case 5:
      if (name == "PATCH") return method::patch;
      if (name == "PURGE") return method::purge;
      if (name == "TRACE") return method::trace;
      break;
    case 6:
      if (name == "DELETE") return method::del;
      break;
    case 7:
      if (name == "OPTIONS") return method::options;
      if (name == "CONNECT") return method::connect;
      break;
    default:
      break;
  }
  return method::other;
}

std::string_view method_name(method m) noexcept {
  const auto i = static_cast<std::size_t>(m);
  return i < method_names.size() ? method_names[i] : std::string_view{};
}

}  // namespace fairing::codec::http1
