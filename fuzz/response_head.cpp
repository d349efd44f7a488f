// Whole and split delivery agree; what is accepted, written anew, parses to the same head.
#include <algorithm>
#include <string>

#include "codec/http1/parser.hpp"
#include "codec/http1/writer.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::http1;
using fairing::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte is the method that the answer is for.
  const auto request = static_cast<method>(data[0] % (static_cast<unsigned>(method::other) + 1));
  const auto text = fairing::fuzz::text_of(data + 1, size - 1);
  const parse_limits limits{.head_bytes = 2048, .target_bytes = 256, .fields = 16};
  head_parser whole(limits);
  response_head head;
  const auto status = whole.parse_response(text, request, head);

  head_parser split(limits);
  response_head again;
  auto last = parse_status::need_more;
  fairing::fuzz::splitter steps(text);
  for (std::size_t n = 0; last == parse_status::need_more;
       n = std::min(text.size(), n + steps.next())) {
    const std::string moved(text.substr(0, n));
    last = split.parse_response(moved, request, again);
    if (n == text.size()) break;
  }
  // A fault may wait for the end of the head when the bytes come in pieces.
  if (last == parse_status::need_more && status == parse_status::error)
    last = split.parse_response(std::string(text) + "\r\n\r\n", request, again);
  require(last == status && split.error() == whole.error(), "split equals whole");
  if (status != parse_status::complete) return 0;

  std::string out(head.version_minor == 1 ? "HTTP/1.1 " : "HTTP/1.0 ");
  append_decimal(out, head.status);
  out.append(" ").append(head.reason).append("\r\n");
  for (const auto& h : head.headers) append_header(out, h.name, h.value);
  out += "\r\n";
  head_parser rewritten({.head_bytes = 8192, .target_bytes = 256, .fields = 16});
  require(rewritten.parse_response(out, request, again) == parse_status::complete,
          "rewritten head parses");
  require(again.status == head.status && again.reason == head.reason && again.body == head.body &&
              again.content_length == head.content_length && again.keep_alive == head.keep_alive &&
              again.headers.size() == head.headers.size(),
          "same answer");
  return 0;
}
