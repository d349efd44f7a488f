// digest: the checksums of SQS messages.
//
// Problem: SDKs compute MD5OfMessageBody and MD5OfMessageAttributes again and fail a call whose answer has others.
//
// Flow:  sent.md5_of_body = md5_hex(body);  sent.md5_of_attributes = md5_of_attributes(attributes);
// Threads: any. Cost: about 2 ns a byte. MD5 here is a checksum that the protocol prescribes, nothing rests on it.
// Source: AWS SQS developer guide, "Calculating the MD5 message digest for message attributes"; FIFO queues'
// content-based deduplication is SHA-256 of the body.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/sqs/actions.hpp"

namespace fairing::codec::sqs {

// 32 hex digits; empty where libcrypto has no MD5 (FIPS).
[[nodiscard]] std::string md5_hex(std::string_view text);
// Over attributes in ascending order of their names; empty for none.
[[nodiscard]] std::string md5_of_attributes(std::span<const message_attribute> attributes);
// Of the one system attribute that can be sent, AWSTraceHeader; empty for none.
[[nodiscard]] std::string md5_of_trace_header(std::string_view trace_header);
// 64 hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);
// 20 digits, ascending as the numbers are.
[[nodiscard]] std::string sequence_number(std::uint64_t number);

}  // namespace fairing::codec::sqs
