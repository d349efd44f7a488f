// framing: what the framing and connection fields of a head mean together (RFC 9112 §6.3, §9.3).
//
// Problem: each of these fields is harmless alone; smuggling lives in their combinations. The field
// loop only marks where they are, the verdict is made here once the whole head is known. Internal
// to the module. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/http1/head.hpp"
#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {

// Where the fields stand that decide about framing, host and connection.
struct field_marks {
  std::string_view host;
  std::string_view length;    // the first line
  std::string_view encoding;  // the first line
  std::string_view expect;
  std::uint32_t host_count = 0;
  std::uint32_t length_count = 0;
  std::uint32_t encoding_count = 0;
  bool connection = false;
  bool upgrade = false;
};

// Sets body, content_length, keep_alive, expect_continue and upgrade.
[[nodiscard]] errc decide_framing(const field_marks& marks, request_head& out) noexcept;
// The same for the answer to a request of that method; out.status is set.
[[nodiscard]] errc decide_framing(const field_marks& marks, method request,
                                  response_head& out) noexcept;

}  // namespace fairing::codec::http1
