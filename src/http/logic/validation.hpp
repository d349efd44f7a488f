// validation: asking the origin whether a stored answer still holds, and taking in its 304.
//
// Flow: append_validators(extra, stored.etag unless etag_made, stored)   ->
// forward_context::extra_fields
//       on 304: m = match_304(stored, head304);
//               update_from_304(stored, head304, now.wall) -> a new stored_head for the same body
//               parse_stored(updated, merged, &head304), then judge_response of `merged` for its
//               new lifetime
// Cost: one allocation per update. Pure; any thread.
// Source: RFC 9111 §3.2, §4.3.1, §4.3.3, §4.3.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/http1/head.hpp"
#include "http/logic/stored_head.hpp"

namespace fairing::http {

// Appends "If-None-Match: ...\r\n" (if the origin gave an ETag) and "If-Modified-Since: ...\r\n"
// (if it gave a Last-Modified). false if there is nothing to ask with. An ETag that Fairing made is
// never sent.
[[nodiscard]] bool append_validators(std::string& out, const stored_head& stored);

// Is there anything to ask with: did the origin give an ETag or a Last-Modified?
[[nodiscard]] bool has_validators(const stored_head& stored) noexcept;

// How a 304 refers to the stored answer (RFC 9111 §4.3.4). We ask with one answer's validators, so
// even a 304 that names another ETag has confirmed ours (origins that compress do that: "x" becomes
// "x-gzip"); the stored ETag stays.
enum class match_kind : std::uint8_t {
  strong,   // the same strong ETag
  weak,     // the same weak ETag or Last-Modified
  implied,  // it names none: the one that was asked about
  differs,  // it names another ETag: the fields are taken, the ETag is not
};
[[nodiscard]] match_kind match_304(const stored_head& stored,
                                   const http1::response_head& head) noexcept;

// The stored head with the 304's fields in place of its own of the same names. Kept as stored:
// those that describe the stored body (Content-Encoding, Content-Length, Content-MD5,
// Content-Range, ETag, digests); never taken in: hop-by-hop, Age, Set-Cookie, tags. Pass the 304's
// own directives.
[[nodiscard]] stored_head update_from_304(const stored_head& stored,
                                          const http1::response_head& head,
                                          const response_directives& directives,
                                          wall_time received);

// Views of a stored head as a response_head, to judge it again (ETag included; Age from the 304,
// whose path it came by). Valid while `stored` and the 304's buffer stand.
void parse_stored(const stored_head& stored, http1::response_head& out,
                  const http1::response_head* not_modified = nullptr);

}  // namespace fairing::http
