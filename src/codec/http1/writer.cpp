#include "codec/http1/writer.hpp"

#include <array>
#include <charconv>

#include "base/ascii.hpp"
#include "codec/http1/scan.hpp"

namespace fairing::codec::http1 {
namespace {

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

template <std::size_t N>
bool has_any_prefix(std::string_view name, const std::array<std::string_view, N>& list) noexcept {
  for (auto prefix : list)
    if (has_prefix(name, prefix)) return true;
  return false;
}

// Names outside http1::field that carry identity, access or the reading of the content.
constexpr std::array<std::string_view, 13> kept_prefixes = {
    "content-",          "x-forwarded-", "sec-",   "access-control-",
    "x-real-",           "x-client-",    "x-ssl-", "x-auth",
    "x-remote-",         "true-client-", "cf-",    "www-auth",
    "strict-transport-",
};

bool nominated(const message_head& head, std::string_view name) noexcept {
  bool found = false;
  head.for_each_element(field::connection,
                        [&](std::string_view option) { found = found || iequals(option, name); });
  return found;
}

}  // namespace

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const char* p = value.data();
  const char* end = p + value.size();
  for (;;) {
    const char* stop = scan::find_value_stop(p, end);
    out.append(p, stop);
    if (stop == end) break;
    out.push_back(*stop == '\t' ? '\t' : ' ');
    p = stop + 1;
  }
  out.append("\r\n");
}

void append_decimal(std::string& out, std::uint64_t value) {
  std::array<char, most_decimal> digits;
  // By size: with two pointers it would be a replacement of a range.
  out.append(digits.data(),
             static_cast<std::size_t>(put_decimal(digits.data(), value) - digits.data()));
}

void append_chunk_header(std::string& out, std::size_t size) {
  std::array<char, 16> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  out.append(digits.data(), done.ptr).append("\r\n");
}

void append_last_chunk(std::string& out, std::string_view raw_trailers) {
  out.append("0\r\n").append(raw_trailers).append("\r\n");
}

bool is_hop_by_hop(const message_head& head, const header& h) noexcept {
  switch (h.id) {
    case field::connection:
    case field::keep_alive:
    case field::proxy_authenticate:
    case field::proxy_authorization:
    case field::proxy_connection:
    case field::te:
    case field::trailer:
    case field::transfer_encoding:
    case field::upgrade:
      return true;
    case field::other:
      if (iequals(h.name, "proxy-authentication-info") || iequals(h.name, "http2-settings"))
        return true;
      return nominated(head, h.name) && !has_any_prefix(h.name, kept_prefixes);
    default:
      return false;
  }
}

bool is_forbidden_trailer(std::string_view name) noexcept {
  switch (field_from_name(name)) {
    // Harmless after the content: what describes it, or is for the reader's information.
    case field::accept:
    case field::allow:
    case field::cache_status:
    case field::etag:
    case field::prefer:
    case field::server:
    case field::user_agent:
    case field::warning:
      return false;
    case field::other: {
      static constexpr std::array<std::string_view, 8> forbidden = {
          "content-", "x-forwarded-", "sec-",    "access-control-",
          "x-real-",  "www-auth",     "accept-", "authentication-"};
      // RFC 9530 digests are what trailers are for.
      if (iequals(name, "content-digest")) return false;
      return has_any_prefix(name, forbidden);
    }
    default:
      return true;
  }
}

}  // namespace fairing::codec::http1
