// range: byte ranges of a body that is stored, or of known length and still arriving (RFC 9110 §14).
//
// Problem: a client may ask for parts of what is stored; many small or overlapping parts are an
// attack (they cost more than the body), so at most eight are served, after merging, else the whole
// body.
//
// Flow: auto r = asked_ranges(request, stored.validators(), body_size);    // status 200, and the
// other preconditions hold
//   whole          -> 200 as if nothing was asked
//   unsatisfiable  -> 416 with append_unsatisfied_range
//   one part       -> 206, append_content_range, bytes
//   several        -> 206, Content-Type: multipart/byteranges; boundary=B; each part:
//   append_part_head, bytes;
//                     then append_parts_end; Content-Length is multipart_size
//                     (of a body that is still arriving: 200 with all of it)
// Cost: no allocation; bounded by the field's length.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/http1/head.hpp"
#include "http/logic/conditional.hpp"

namespace fairing::http {

struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // inclusive
  [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
  bool operator==(const byte_range&) const = default;
};

enum class range_use : std::uint8_t {
  whole,          // no ranges, not bytes, malformed, or too many: Range is ignored
  parts,          // 206 with `ranges`
  unsatisfiable,  // 416: well-formed, but nothing of it is in the body
};

struct range_set {
  static constexpr std::size_t limit = 8;
  range_use use = range_use::whole;
  std::array<byte_range, limit> ranges{};
  std::size_t count = 0;
  [[nodiscard]] std::span<const byte_range> parts() const noexcept {
    return {ranges.data(), count};
  }
};
// `value` is the Range field; "" is whole. Overlapping or touching ranges are merged; the parts are
// sorted.
[[nodiscard]] range_set parse_ranges(std::string_view value, std::uint64_t body_size) noexcept;

// The same for a request: `whole` also if it is no GET or its If-Range does not hold.
[[nodiscard]] range_set asked_ranges(const http1::request_head& request, const validators& stored,
                                     std::uint64_t body_size) noexcept;

// Does the field describe the bytes of one message, and therefore not those of a part of it
// (Content-Digest, RFC 9530; Content-MD5)? Repr-Digest and Digest describe the whole anyway.
[[nodiscard]] bool describes_content(std::string_view name) noexcept;

// "Content-Range: bytes 0-4/10\r\n" and, for 416, "Content-Range: bytes */10\r\n".
void append_content_range(std::string& out, byte_range r, std::uint64_t body_size);
void append_unsatisfied_range(std::string& out, std::uint64_t body_size);

// multipart/byteranges. The boundary is 24 characters made of `random`: the caller draws it per
// answer.
[[nodiscard]] std::array<char, 24> make_boundary(std::uint64_t random) noexcept;
// "\r\n--B\r\nContent-Type: T\r\nContent-Range: ...\r\n\r\n" (T may be "")
void append_part_head(std::string& out, std::string_view boundary, std::string_view content_type,
                      byte_range r, std::uint64_t body_size);
void append_parts_end(std::string& out, std::string_view boundary);  // "\r\n--B--\r\n"
[[nodiscard]] std::uint64_t multipart_size(const range_set& set, std::string_view boundary,
                                           std::string_view content_type, std::uint64_t body_size);

}  // namespace fairing::http
