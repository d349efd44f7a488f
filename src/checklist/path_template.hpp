// path_template: /api/products/123 → /api/products/{id}: a path's shape, to count requests by.
//
// Problem: requests that no route names must be counted by what they ask, but a path is chosen by
// the peer and there are endless ones. What looks like a value (numbers, UUIDs, hex, long or mixed
// tokens, anything with bytes that need escaping) becomes `{id}`, a file becomes `*.ext`, and the
// rest after eight segments `{rest}`. The output is plain ASCII without quotes, fit for YAML.
//
// Flow:  template_buffer b;  std::string_view t = path_template(path, b);  match_of(t): a route's
//        `match` path: {id} → *, {rest} → **.
// Threads: any. Cost: no allocation; one pass, tens of nanoseconds.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace fairing::checklist {

inline constexpr std::size_t max_template_segments = 8;
inline constexpr std::size_t max_plain_segment = 24;  // longer ones are tokens
using template_buffer = std::array<char, 256>;

// The view is into the buffer. A path that does not begin with '/' gives "(none)".
[[nodiscard]] std::string_view path_template(std::string_view path, template_buffer& out) noexcept;

// The template as a pattern of a route.
[[nodiscard]] std::string match_of(std::string_view path_template);

// A path where secrets are tried: a segment with login, signin, password or token in it, or the
// word otp. Case, '-' and '_' do not matter.
[[nodiscard]] bool is_login_like(std::string_view path) noexcept;

}  // namespace fairing::checklist
