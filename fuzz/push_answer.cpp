// Whatever a push target answers is one of four ends, with a bounded pause and an error that is one line.
#include <algorithm>

#include "base/json.hpp"
#include "base/json_scan.hpp"
#include "codec/http1/parser.hpp"
#include "fuzz/support.hpp"
#include "jobs/logic/push_verdict.hpp"

using namespace fairing;
using fairing::fuzz::require;

namespace {

constexpr std::int64_t wall_ms = 1'764'460'800'000;

void check(const jobs::push_answer& a) {
  const auto end = jobs::judge(a, wall_ms);
  const bool failed = end.what == jobs::push_end::retry || end.what == jobs::push_end::dead;
  require(failed == !end.error.empty(), "a failure has a reason, and nothing else has");
  require(end.error.size() <= 256, "a short one");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  require(std::ranges::none_of(end.error, control), "on one line");
  std::string json;
  append_json_string(json, end.error);
  require(json_valid(json), "that can be shown");
  require(!end.not_before || end.what == jobs::push_end::retry, "a pause only before a retry");
  require(
      !end.not_before || (end.not_before->count() >= 0 && end.not_before->count() <= 86'400'000),
      "of a day at most");
  require(a.status != 410 || end.what == jobs::push_end::dead, "410 is for good");
  require(a.status / 100 != 5 || end.what == jobs::push_end::retry, "5xx comes again");
  require((end.strain == jobs::push_strain::fine) == (a.status / 100 == 2), "2xx is no strain");
}

}  // namespace

// The input: an answer as it comes from the wire, head and body; or else a Retry-After alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto pause = jobs::read_retry_after(text, wall_ms);
  require(!pause || (pause->count() >= 0 && pause->count() <= 86'400'000), "0 to a day");
  codec::http1::response_head head;
  codec::http1::head_parser parser;
  using codec::http1::field;
  if (parser.parse_response(text, codec::http1::method::post, head) !=
      codec::http1::parse_status::complete) {
    check({.status = 503, .retry_after = std::string(text), .body = std::string(text)});
    return 0;
  }
  check({.status = head.status,
         .retry_after = std::string(head.get(field::retry_after)),
         .content_type = std::string(head.get(field::content_type)),
         .body = std::string(text.substr(head.size))});
  return 0;
}
