// Any request ends in an action within its limits, or in an error that both protocols can say.
#include "codec/sqs/decode.hpp"
#include "codec/sqs/encode.hpp"
#include "codec/sqs/text.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::sqs;
using fairing::fuzz::require;

// First line: METHOD PATH?QUERY; second: x-amz-target, empty for the Query protocol; the rest: the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fairing::fuzz::text_of(data, size);
  const auto next = [&text](char until) {
    const auto end = text.find(until);
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
  };
  const auto method = next(' ');
  const auto url = next('\n');
  const auto mark = url.find('?');
  const auto target = next('\n');
  const auto d = decode({.method = method,
                         .path = url.substr(0, mark),
                         .query = mark == std::string_view::npos ? "" : url.substr(mark + 1),
                         .target = target,
                         .content_type = target.empty() ? "application/x-www-form-urlencoded"
                                                        : "application/x-amz-json-1.0",
                         .query_mode = true,
                         .body = text});
  if (!d.what) {
    const auto a = encode_error(d.how, d.what.error(), "id");
    require(a.status >= 400 && !a.body.empty() && is_message_text(a.body),
            "an error that can be said");
    return 0;
  }
  require(kind_of(*d.what) == d.how.kind, "the kind");
  if (const auto* s = std::get_if<send_message>(&*d.what)) {
    require(is_queue_name(s->queue), "a queue");
    require(!s->what.body.empty() && is_message_text(s->what.body), "a body that can be said");
    require(s->what.attributes.size() <= max_message_attributes, "attributes");
  }
  if (const auto* b = std::get_if<send_message_batch>(&*d.what))
    require(!b->entries.empty() && b->entries.size() <= max_batch_entries, "1 to 10 entries");
  if (const auto* r = std::get_if<receive_message>(&*d.what))
    require(r->most >= 1 && r->most <= 10 && r->wait_s.value_or(0) <= max_wait_s, "a receive");
  return 0;
}
