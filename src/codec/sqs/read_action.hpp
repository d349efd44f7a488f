// read_action: one action's parameters from its tree; the two halves of decode().
//
// Flow:  auto a = read_message_action(kind, f, path, options);   // the seven about messages
//        auto a = read_queue_action(kind, f, path);              // all others
// Threads: any.
#pragma once

#include <string_view>

#include "codec/sqs/decode.hpp"
#include "codec/sqs/fields.hpp"

namespace fairing::codec::sqs {

[[nodiscard]] result<action> read_message_action(action_kind kind, fields& f, std::string_view path,
                                                 const decode_options& o);
[[nodiscard]] result<action> read_queue_action(action_kind kind, fields& f, std::string_view path);

}  // namespace fairing::codec::sqs
