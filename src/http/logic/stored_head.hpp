// stored_head: what of an answer's head is kept in the cache, and what comes back out of it.
//
// Problem: a stored head is sent again and again, to others: what belongs to one connection, one
// client or one moment must not be in it, and a hit must only append it and a few lines that
// change.
//
// Flow of a fill:  auto stored = build_stored_head(response, directives, now.wall);
//                  if (stored.etag.empty()) stored.etag = make_etag(hash of the whole body);   //
//                  after the body auto tags = extract_tags(response);
// Flow of a hit:   out += stored.text; append_field(out, "ETag", stored.etag); Age; Content-Length;
//                  Content-Encoding and Vary of our own encoding; append_cache_status; Connection;
//                  CRLF
// Not in the text: hop-by-hop and Connection-named fields, Age, Content-Length, ETag, Set-Cookie,
// tag fields, fields that no-cache="..." or private="..." name. In it: Date (made if missing), Via
// with our own hop, the origin's Cache-Status lines, CDN-Cache-Control (for the CDN before us),
// Content-Encoding. Cost: one allocation sized for the head. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/conditional.hpp"

namespace fairing::http {

struct stored_head {
  std::string text;        // "HTTP/1.1 200 OK\r\nName: value\r\n...": no blank line at the end
  std::string etag;        // the origin's, or "" until one is made
  bool etag_made = false;  // ours: not sent to the origin, and dropped if the origin sends one
  bool encoded =
      false;  // the origin's body has a Content-Encoding: Fairing does not encode it again
  bool no_transform = false;        // nor may it
  bool varies_on_encoding = false;  // Vary names Accept-Encoding already
  std::uint16_t status = 0;
  wall_time date{};
  std::optional<wall_time> last_modified;

  [[nodiscard]] http::validators validators() const noexcept { return {etag, last_modified, date}; }
};
// `directives` are the ones that judge_response went by: parse_cdn_directives' where present, else
// parse_response_directives'; the fields that either header names are dropped by giving both in
// turn.
[[nodiscard]] stored_head build_stored_head(const http1::response_head& response,
                                            const response_directives& directives,
                                            wall_time received);

// Strong: "\"f-0123456789abcdef\"" of a 64-bit hash of the whole identity body.
[[nodiscard]] std::string make_etag(std::uint64_t body_hash);
// The ETag of that answer in another coding: "x" -> "x-br"; a weak one stays weak.
void append_etag_variant(std::string& out, std::string_view etag, std::string_view coding);
// The other way, in a client's If-None-Match or If-Range: "x-br" -> "x" if `coding` is its suffix.
[[nodiscard]] bool matches_etag_variant(std::string_view sent, std::string_view etag,
                                        std::string_view coding) noexcept;

// The fields that a 304 made from a stored answer repeats (RFC 9110 §15.4.5): Cache-Control,
// CDN-Cache-Control, Content-Location, Date, Expires, Vary, Via; Last-Modified only without an
// ETag.
void append_not_modified_fields(std::string& out, std::string_view stored_text, bool has_etag);

// The tags of an answer: Surrogate-Key and xkey by spaces, Cache-Tag and Cache-Tags by commas. At
// most 32: of a longer list each row's tag is replaced by its table's ("products:42", "products.42"
// -> "products"), and what then still does not fit is said by `overflow` (the caller stores
// nothing, or gives it the route's TTL without tags being exact: Fairing does not store). Views
// into the head.
struct tag_list {
  static constexpr std::size_t limit = 32;
  std::array<std::string_view, limit> tags{};
  std::size_t count = 0;
  bool overflow = false;
  [[nodiscard]] const std::string_view* begin() const noexcept { return tags.data(); }
  [[nodiscard]] const std::string_view* end() const noexcept { return tags.data() + count; }
};
[[nodiscard]] tag_list extract_tags(const http1::message_head& head) noexcept;

}  // namespace fairing::http
