// decode: from an HTTP request to what an SQS client asks for.
//
// Problem: SDKs of the last years speak AWS JSON 1.0, those before (and Celery's kombu today) the Query protocol, by
// POST or GET, some with the queue in the path only. All of it is a peer's input: bounded, strict, and every refusal
// has AWS's own code and says what was wrong.
//
// Flow, with the head parsed and the body read whole:
//   http_request h{.method = .., .path = .., .query = .., .target = .., .content_type = .., .query_mode = .., .body = ..};
//   decoded d = decode(h, options);
//   if (!d.what) answer encode_error(d.how, d.what.error(), request_id);     // encode.hpp
//   else std::visit(handler, *d.what), and encode(d.how, reply, request_id).
// The signature is another matter: sigv4.hpp.
// Queue: QueueUrl's path, else the request's path, `/ACCOUNT/NAME` (also `/queue/NAME`); host and account are not
// looked at, so that a queue has the same name behind every address.
// Bounds: options.most_body_bytes; 4,096 parameters; JSON nests no deeper than 8.
// Threads: any; nothing is shared. Cost: one pass over the body and a copy of what is kept; never throws.
// Source: AWS SQS API reference; Smithy's AWS JSON 1.0 and AWS Query protocols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"

namespace fairing::codec::sqs {

struct http_request {
  std::string_view method;        // GET or POST
  std::string_view path;          // as sent, without the query
  std::string_view query;         // as sent, without `?`
  std::string_view target;        // x-amz-target
  std::string_view content_type;  // content-type
  bool query_mode = false;        // x-amzn-query-mode: true
  std::string_view body;
};

struct decode_options {
  // A delay over AWS's 900 s may be allowed: the plane's timers have no such limit.
  std::int32_t most_delay_s = max_delay_s;
  std::size_t most_message_bytes = max_message_bytes;
  std::size_t most_body_bytes =
      8 * 1024 * 1024;  // of the request: escapes and base64 make it longer
};

struct decoded {
  wire how;  // valid also where `what` is an error: how to say so
  result<action> what;
};
[[nodiscard]] decoded decode(const http_request& h, const decode_options& options = {});

// Whether a request to the listener is SQS's: by its target, its Action, or its form. The rest is the native API's.
[[nodiscard]] bool looks_like_sqs(const http_request& h) noexcept;

}  // namespace fairing::codec::sqs
