// sigv4: whether a request was signed by somebody who has one of the configured secrets.
//
// Problem: SQS clients sign every request (AWS Signature Version 4), in the Authorization header or, presigned, in the
// query. Where keys are configured, whatever is not signed rightly and freshly is refused, with AWS's own code.
//
// Flow:
//   const verifier v({{"AKIA...", "secret"}});
//   auto who = v.verify({.method = .., .path = .., .query = .., .headers = .., .body = ..}, unix_seconds);
//   if (!who) encode_error(...); else *who is the id of the access key.
// What must be signed: host, and every x-amz-* header that is there; the body by its hash. Region: any; service: sqs.
// Not accepted: a body that is not signed (UNSIGNED-PAYLOAD), chunked signatures, SigV4A.
// Bounds: a path and a query of 64 KiB, 64 signed headers, 1,000 parameters.
// Threads: any; const. Cost: two SHA-256 over body and head, five HMACs: a few microseconds. Compares in constant time.
// Source: AWS "Signature Version 4 signing process"; the vectors of aws-sig-v4-test-suite.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "codec/sqs/errc.hpp"

namespace fairing::codec::sqs {

struct access_key {
  std::string id;
  std::string secret;
};

struct signed_request {
  std::string_view method;
  std::string_view path;   // as sent, without the query
  std::string_view query;  // as sent, without `?`
  // As sent, in order; names in any case.
  std::span<const std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
};

inline constexpr std::int64_t max_clock_skew_s = 900;

class verifier {
 public:
  // No keys: nobody gets in. `service`: of the scope.
  explicit verifier(std::vector<access_key> keys, std::string service = "sqs");

  // The id of the key that signed. Errors: missing_authentication, incomplete_signature, invalid_access_key,
  // signature_does_not_match, request_expired, malformed_request.
  [[nodiscard]] result<std::string> verify(const signed_request& r, std::int64_t unix_s) const;

 private:
  std::vector<access_key> keys_;
  std::string service_;
};

}  // namespace fairing::codec::sqs
