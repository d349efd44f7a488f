// encode: results and errors in the protocol of the request.
//
// Problem: a client's SDK reads JSON or XML, and takes the kind of an error from `__type`, from <Code> or from a
// header, depending on its age.
//
// Flow:
//   answer a = encode(decoded.how, reply, request_id);  or  encode_error(decoded.how, error, request_id);
//   status a.status; content-type a.content_type; x-amzn-requestid request_id;
//   x-amzn-query-error a.query_error, if it is not empty; body a.body.
// Threads: any. Cost: one allocation that grows with the body. Any text may be given: what is not UTF-8 or has no place
// in XML is written as U+FFFD.
// Source: AWS SQS API reference; Smithy's AWS JSON 1.0 and AWS Query protocols.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"
#include "codec/sqs/replies.hpp"

namespace fairing::codec::sqs {

struct answer {
  std::uint16_t status = 200;
  std::string_view content_type;  // a constant
  std::string query_error;        // value of x-amzn-query-error; empty: not sent
  std::string body;
};
[[nodiscard]] answer encode(const wire& how, const reply& r, std::string_view request_id);
[[nodiscard]] answer encode_error(const wire& how, const error& e, std::string_view request_id);

// BASE/ACCOUNT/NAME; base is scheme and host as the client reached us: "http://127.0.0.1:9324".
[[nodiscard]] std::string make_queue_url(std::string_view base, std::string_view account,
                                         std::string_view queue);
// arn:aws:sqs:REGION:ACCOUNT:NAME
[[nodiscard]] std::string make_queue_arn(std::string_view region, std::string_view account,
                                         std::string_view queue);

}  // namespace fairing::codec::sqs
