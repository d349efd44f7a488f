// vary: the secondary key of a negotiated answer (RFC 9111 §4.1).
//
// Problem: an answer with Vary may be given only to requests whose named fields match those of the
// request that it answered; with one key per combination, a hit stays one look-up more, whatever
// the number of variants.
//
// Flow: the store's entry under the primary key is either the answer (no Vary) or a marker that
// holds a
//   vary_spec: the union of the names seen for this URL. Then the answer's key is
//     make_key(key, ...); append_variant(key, spec, request, own_encodings);
//   On a fill: spec = parse_vary(response); merge(marker, spec); if it grew, write the marker anew
//   (variants under the smaller spec are then unreachable and age out). spec.star: do not store.
// Values are compared after lines are joined with ',' and white space around list commas is
// dropped; order is kept (backends do read preference from it); Accept-Language in lower case;
// User-Agent, Cookie and Authorization byte for byte. Cost: append_variant is names × fields
// compares, no allocation beyond the reused string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/http1/head.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

struct vary_spec {
  static constexpr std::size_t limit = 16;  // more names than that count as `*`
  bool star = false;
  std::vector<std::string> names;  // lower case, sorted, unique
  [[nodiscard]] bool empty() const noexcept { return !star && names.empty(); }
  bool operator==(const vary_spec&) const = default;
};

[[nodiscard]] vary_spec parse_vary(const http1::response_head& response);
// Adds a configured name (route vary), lower-casing it.
void add_name(vary_spec& spec, std::string_view name);
// Union of both into `into`; true if it grew.
bool merge(vary_spec& into, const vary_spec& other);
// Does this one Vary line hold a `*` member?
[[nodiscard]] bool parse_vary_line_has_star(std::string_view value) noexcept;

// Appends LF and the canonical text of the request's named fields. Absent and empty differ.
// own_encodings: Fairing negotiates Accept-Encoding itself for this answer, so that name is left
// out.
void append_variant(std::string& out, const vary_spec& spec, const http1::request_head& request,
                    bool own_encodings);

}  // namespace fairing::http
