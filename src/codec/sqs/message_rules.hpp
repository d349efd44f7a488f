// message_rules: what one message, one attribute, one id may be.
//
// Flow:  auto m = read_message(f, queue, options);   if (f.wrong()) ...
// Threads: any. Cost: one pass over body and attributes.
// Source: AWS SQS API reference, SendMessage; developer guide, "Amazon SQS message metadata" and "message quotas".
#pragma once

#include <cstddef>
#include <string_view>

#include "codec/sqs/actions.hpp"
#include "codec/sqs/decode.hpp"
#include "codec/sqs/fields.hpp"

namespace fairing::codec::sqs {

// MessageBody and all that goes with it; the first fault is in `f`.
[[nodiscard]] message read_message(fields& f, std::string_view queue, const decode_options& o);
// Bytes of body and attributes, as AWS counts them.
[[nodiscard]] std::size_t size_of(const message& m) noexcept;
// [A-Za-z0-9_-]{1,80}
[[nodiscard]] bool is_entry_id(std::string_view id) noexcept;
// 1 to 256 of [A-Za-z0-9_.-]; no dot at the ends or twice in a row; not aws. or amazon. at the front.
[[nodiscard]] bool is_attribute_name(std::string_view name) noexcept;

}  // namespace fairing::codec::sqs
