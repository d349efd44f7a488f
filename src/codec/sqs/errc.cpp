// The names of errors in both protocols.
#include "codec/sqs/errc.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace fairing::codec::sqs {

namespace {

struct row {
  errc code;
  error_names names;
  std::string_view sentence;
};
constexpr std::array rows{
    row{errc::queue_does_not_exist,
        {"com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400,
         true},
        "no queue of that name"},
    row{errc::queue_name_exists,
        {"com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists", 400, true},
        "the queue exists with other attributes"},
    row{errc::receipt_handle_is_invalid,
        {"com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404, true},
        "not the handle of a message that is in flight"},
    row{errc::message_not_inflight,
        {"com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400,
         true},
        "the message is not in flight"},
    row{errc::invalid_message_contents,
        {"com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents", 400, true},
        "the message has characters that are not allowed"},
    row{errc::unsupported_operation,
        {"com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation",
         400, true},
        "not supported for this queue"},
    row{errc::empty_batch,
        {"com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400,
         true},
        "the batch has no entry"},
    row{errc::too_many_entries,
        {"com.amazonaws.sqs#TooManyEntriesInBatchRequest",
         "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, true},
        "the batch has more than 10 entries"},
    row{errc::ids_not_distinct,
        {"com.amazonaws.sqs#BatchEntryIdsNotDistinct",
         "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, true},
        "two entries of the batch have one id"},
    row{errc::invalid_batch_entry_id,
        {"com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400,
         true},
        "an id of the batch is not 1 to 80 of A-Z a-z 0-9 _ -"},
    row{errc::batch_too_long,
        {"com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400,
         true},
        "the batch is too long"},
    row{errc::invalid_attribute_name,
        {"com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName", 400, true},
        "no such attribute"},
    row{errc::invalid_attribute_value,
        {"com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue", 400, true},
        "the attribute cannot have that value"},
    row{errc::resource_not_found,
        {"com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException", 404, true},
        "no such message move task or source queue"},
    row{errc::over_limit,
        {"com.amazonaws.sqs#OverLimit", "OverLimit", 403, true},
        "more than is allowed"},
    row{errc::missing_parameter,
        {"com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter", 400,
         true},
        "a parameter is missing"},
    row{errc::invalid_parameter_value,
        {"com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue", 400,
         true},
        "a parameter has a value that it cannot have"},
    row{errc::invalid_parameter_combination,
        {"com.amazon.coral.service#InvalidParameterCombinationException",
         "InvalidParameterCombination", 400, true},
        "parameters that exclude each other"},
    row{errc::invalid_action,
        {"com.amazon.coral.service#UnknownOperationException", "InvalidAction", 400, true},
        "no such action"},
    row{errc::malformed_request,
        {"com.amazon.coral.service#SerializationException", "MalformedQueryString", 400, true},
        "the request cannot be read"},
    row{errc::missing_authentication,
        {"com.amazon.coral.service#MissingAuthenticationTokenException",
         "MissingAuthenticationToken", 403, true},
        "the request is not signed"},
    row{errc::incomplete_signature,
        {"com.amazon.coral.service#IncompleteSignatureException", "IncompleteSignature", 400, true},
        "the signature lacks a part"},
    row{errc::invalid_access_key,
        {"com.amazon.coral.service#UnrecognizedClientException", "InvalidClientTokenId", 403, true},
        "nobody has that access key"},
    row{errc::signature_does_not_match,
        {"com.amazon.coral.service#InvalidSignatureException", "SignatureDoesNotMatch", 403, true},
        "the signature is not the one of this request"},
    row{errc::request_expired,
        {"com.amazon.coral.service#RequestExpired", "RequestExpired", 400, true},
        "the signature is too old or too new"},
    row{errc::access_denied,
        {"com.amazon.coral.service#AccessDeniedException", "AccessDenied", 403, true},
        "not allowed"},
    row{errc::throttled,
        {"com.amazonaws.sqs#RequestThrottled", "RequestThrottled", 403, true},
        "too many requests at a time: try again"},
    row{errc::unavailable,
        {"com.amazon.coral.service#ServiceUnavailable", "ServiceUnavailable", 503, false},
        "not possible now: try again later"},
    row{errc::internal_failure,
        {"com.amazon.coral.service#InternalFailure", "InternalFailure", 500, false},
        "a fault of Fairing"},
};

// rows[i] is the row of the code i + 1.
consteval bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].code) != i + 1) return false;
  return rows.back().code == errc::internal_failure;
}
static_assert(in_order());

const row& row_of(int value) noexcept {
  const auto index = static_cast<std::size_t>(value) - 1;
  return index < rows.size() ? rows[index] : rows.back();
}

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "sqs"; }
  [[nodiscard]] std::string message(int value) const override {
    return std::string(row_of(value).sentence);
  }
};

}  // namespace

const std::error_category& sqs_category() noexcept {
  static const category the;
  return the;
}

const error_names& names_of(std::error_code code) noexcept {
  return code.category() == sqs_category() ? row_of(code.value()).names : rows.back().names;
}

}  // namespace fairing::codec::sqs
