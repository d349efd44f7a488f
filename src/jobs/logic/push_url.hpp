// push_url: where a queue's jobs are POSTed to: http://HOST[:PORT][/PATH][?QUERY] or https://...
//
// Flow:  auto u = parse_push_url(text);  if (!u) say u.error();  "POST " + u->target, "Host: " + u->host_field
// Credentials, a fragment, blanks and controls are refused. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairing::jobs {

struct push_url {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 80;
  std::string host_field;    // as the Host field has it
  std::string target = "/";  // origin-form: path and query
  [[nodiscard]] bool operator==(const push_url&) const = default;
};

// errc::bad_request: the sentence says what to write.
[[nodiscard]] result<push_url> parse_push_url(std::string_view text);

}  // namespace fairing::jobs
