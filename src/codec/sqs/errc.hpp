// errc: every way the SQS API says no, with the names both of its protocols have for it.
//
// Problem: clients decide by the code of an error (create the queue, try again, give up), and the code is another word
// in AWS JSON 1.0 (`com.amazonaws.sqs#QueueDoesNotExist`) than in the Query protocol
// (`AWS.SimpleQueueService.NonExistentQueue`). Here one value stands for both.
//
// Flow:  return fail(errc::queue_does_not_exist, "..."); ... encode_error(wire, error, request_id) asks names_of.
// Threads: any. Cost: a look-up in a table.
// Source: AWS SQS API reference, "Common errors" and the errors of each action; JSON types as AWS sends them.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace fairing::codec::sqs {

enum class errc {
  queue_does_not_exist = 1,   // no queue of that name
  queue_name_exists,          // CreateQueue with other attributes than the queue has
  receipt_handle_is_invalid,  // not a handle, or the message was received again since
  message_not_inflight,       // its visibility can only be changed while somebody has it
  invalid_message_contents,  // a character that XML 1.0 does not allow, or bytes that are not UTF-8
  unsupported_operation,     // not for this kind of queue
  empty_batch,               // no entry
  too_many_entries,          // more than 10
  ids_not_distinct,          // two entries with one id
  invalid_batch_entry_id,    // not 1 to 80 of [A-Za-z0-9_-]
  batch_too_long,            // all bodies and attributes together are over the limit
  invalid_attribute_name,    // a queue has no such attribute, or it cannot be set
  invalid_attribute_value,   // a value that this attribute cannot have
  resource_not_found,        // no such message move task, or its queue is gone
  over_limit,                // more than the service allows of something
  missing_parameter,         // a parameter that the action needs is not there
  invalid_parameter_value,   // a value out of its range or of another form
  invalid_parameter_combination,  // parameters that exclude each other
  invalid_action,                 // no such action
  malformed_request,         // not JSON, not a form, or a value of another type than it has to be
  missing_authentication,    // no signature, and one is needed
  incomplete_signature,      // a signature without one of its parts
  invalid_access_key,        // nobody has that access key
  signature_does_not_match,  // wrong secret, or the request was changed on its way
  request_expired,           // signed more than 15 minutes ago or ahead, or a presigned one too old
  access_denied,             // allowed for nobody here
  throttled,                 // too much at a time; try again
  unavailable,               // the store has no room or is closed; try again later
  internal_failure,          // a fault of Fairing
};
[[nodiscard]] const std::error_category& sqs_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), sqs_category()};
}

struct error_names {
  std::string_view json;   // the whole `__type`
  std::string_view query;  // <Code>, and the first half of x-amzn-query-error
  std::uint16_t status = 400;
  bool sender = true;  // the client's fault: trying again will not help
};
// Of a code of another category: those of internal_failure.
[[nodiscard]] const error_names& names_of(std::error_code code) noexcept;

}  // namespace fairing::codec::sqs

template <>
struct std::is_error_code_enum<fairing::codec::sqs::errc> : std::true_type {};
