// prefer: what a client asks for in Prefer: to be answered later, and how long it waits before that.
//
// Flow:  const auto p = preferences_of(head);  if (p.respond_async) ...  other_preferences(head) for who comes next
// The first of two of the same name counts. Pure; any thread. Source: RFC 7240 §2, §4.1, §4.3.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

struct preferences {
  bool respond_async = false;
  std::optional<milliseconds> wait;  // whole seconds, at most a day
};
[[nodiscard]] preferences preferences_of(const http1::request_head& head);

// The preferences that are not acted on here, as one field value; "" for none. Malformed ones are left out.
[[nodiscard]] std::string other_preferences(const http1::request_head& head);

}  // namespace fairing::http
