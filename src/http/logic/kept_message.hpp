// kept_message: requests and answers as they are kept in a job store: HTTP messages, whole, framed by their length.
//
// Problem: what is put off must later mean what it meant when it came, on any connection, and to people who look at it;
// a format of our own would be one more to read.
//
// Flow:  job.payload = keep_request(head, body);  ...  kept_request r;  if (!r.read(payload)) ...  r.head, r.body
//        job.result = keep_answer(head, body);    ...  kept_answer a;   if (!a.read(result)) ...
// Left out: fields of the connection, Expect, and of Prefer what was acted on. The body is whole: no chunks, no trailers.
// Pure; any thread. Source: RFC 9112 §10.1 (message/http).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/http1/parser.hpp"
#include "http/logic/site_config.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

inline constexpr std::string_view kept_type = "message/http";

[[nodiscard]] std::string keep_request(const http1::request_head& head, std::string_view body);
[[nodiscard]] std::string keep_answer(const http1::response_head& head, std::string_view body);

// Views into the text they were read from.
struct kept_request {
  http1::request_head head;
  std::string_view body;
  [[nodiscard]] bool read(std::string_view text);
};
struct kept_answer {
  http1::response_head head;
  std::string_view body;
  // `method` of the request that it answers.
  [[nodiscard]] bool read(std::string_view text, http1::method method);
};

// Who asked, as the route says: the SHA-256 of that field's, cookie's or address's text, in hex; "" where there is none.
[[nodiscard]] std::string principal_of(const http1::request_head& head, const async_config& c,
                                       std::string_view client_ip);

// How that is written: header:NAME, cookie:NAME or ip; and read again (nullopt: it is none of them).
[[nodiscard]] std::string principal_text(const async_config& c);
[[nodiscard]] std::optional<async_config> principal_from(std::string_view text);

// What Idempotency-Key says, without quotes.
struct idempotency {
  bool present = false;
  bool valid = true;  // one field, 1 to 200 visible characters
  std::string key;
};
[[nodiscard]] idempotency idempotency_of(const http1::request_head& head);
// Of what the key stands for: method, target, media type and body.
[[nodiscard]] std::string fingerprint_of(const http1::request_head& head, std::string_view body);

}  // namespace fairing::http
