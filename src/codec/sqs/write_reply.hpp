// write_reply: the body of a result, in JSON or as the content of <XResult>.
//
// Flow:  write_json(out, kind, reply);   write_xml(out, kind, reply);   // encode() puts the envelope around
// Threads: any. Cost: appends only.
#pragma once

#include <string>

#include "codec/sqs/actions.hpp"
#include "codec/sqs/replies.hpp"

namespace fairing::codec::sqs {

// An object. Appends nothing for `done`: AWS's body is then empty.
void write_json(std::string& out, action_kind kind, const reply& r);
void write_xml(std::string& out, action_kind kind, const reply& r);

}  // namespace fairing::codec::sqs
