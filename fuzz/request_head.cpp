// Whole and split delivery agree; what is accepted, written anew, parses to the same head.
#include <algorithm>
#include <string>

#include "codec/http1/parser.hpp"
#include "codec/http1/writer.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::http1;
using fairing::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  const parse_limits limits{.head_bytes = 2048, .target_bytes = 256, .fields = 16};
  head_parser whole(limits);
  request_head head;
  const auto status = whole.parse_request(text, head);

  head_parser split(limits);
  request_head again;
  auto last = parse_status::need_more;
  fairing::fuzz::splitter steps(text);
  for (std::size_t n = 0; last == parse_status::need_more; n = std::min(size, n + steps.next())) {
    const std::string moved(text.substr(0, n));
    last = split.parse_request(moved, again);
    if (n == size) break;
  }
  // A fault may wait for the end of the head when the bytes come in pieces.
  if (last == parse_status::need_more && status == parse_status::error)
    last = split.parse_request(std::string(text) + "\r\n\r\n", again);
  require(last == status && split.error() == whole.error(), "split equals whole");
  if (status != parse_status::complete) return 0;

  require(head.size <= size && !head.path.empty(), "sizes");
  std::string out(head.method_text);
  out.append(" ")
      .append(head.target)
      .append(head.version_minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  for (const auto& h : head.headers) append_header(out, h.name, h.value);
  out += "\r\n";
  head_parser rewritten({.head_bytes = 8192, .target_bytes = 256, .fields = 16});
  require(rewritten.parse_request(out, again) == parse_status::complete, "rewritten head parses");
  require(again.size == out.size() && again.method == head.method && again.target == head.target &&
              again.authority == head.authority && again.path == head.path &&
              again.query == head.query && again.has_query == head.has_query,
          "same request");
  require(again.body == head.body && again.content_length == head.content_length &&
              again.keep_alive == head.keep_alive && again.upgrade == head.upgrade &&
              again.expect_continue == head.expect_continue,
          "same framing");
  require(again.headers.size() == head.headers.size(), "same fields");
  for (std::size_t i = 0; i < head.headers.size(); ++i)
    require(again.headers[i].id == head.headers[i].id &&
                again.headers[i].name == head.headers[i].name &&
                again.headers[i].value == head.headers[i].value,
            "same field");
  return 0;
}
