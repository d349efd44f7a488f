// target: the four forms of a request target (RFC 9112 §3.2) and the Host field (RFC 9110 §7.2).
// Internal to the module. Pure; any thread.
#pragma once

#include <string_view>

#include "codec/http1/framing.hpp"
#include "codec/http1/head.hpp"
#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {

// `name[:port]`, `1.2.3.4[:port]` or `[v6][:port]`: not empty, no user info, no list, a port of 1
// to 65535.
[[nodiscard]] bool valid_authority(std::string_view text) noexcept;

// out.target is set and free of controls, spaces and fragments; `question` is the offset of its
// first '?' or npos. Sets authority, path, query and has_query, or says what is wrong.
[[nodiscard]] errc resolve_target(const field_marks& marks, std::size_t question,
                                  request_head& out) noexcept;

}  // namespace fairing::codec::http1
