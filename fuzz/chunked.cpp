// Whole and split delivery agree; a decoded body, chunked anew, decodes to the same.
#include <algorithm>
#include <string>

#include "codec/http1/parser.hpp"
#include "codec/http1/writer.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::http1;
using fairing::fuzz::require;

namespace {

struct outcome {
  std::string body, trailers;
  std::size_t consumed = 0;
  parse_status status = parse_status::need_more;
  errc error = errc::ok;
};

template <class Steps>
outcome decode(std::string_view text, Steps next_step) {
  chunked_decoder decoder({.extension_bytes = 64, .trailer_bytes = 256});
  outcome out;
  while (!text.empty() && out.status == parse_status::need_more) {
    auto slice = text.substr(0, next_step());
    text.remove_prefix(slice.size());
    while (!slice.empty() && out.status == parse_status::need_more) {
      const auto s = decoder.next(slice);
      require(s.consumed != 0 && s.consumed <= slice.size(), "progress");
      out.body += s.data;
      out.consumed += s.consumed;
      out.status = s.status;
      slice.remove_prefix(s.consumed);
    }
  }
  out.error = decoder.error();
  if (out.status == parse_status::complete) out.trailers = decoder.trailers();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  const auto whole = decode(text, [&] { return size; });
  fairing::fuzz::splitter steps(text);
  const auto split = decode(text, [&] { return steps.next(); });
  require(split.status == whole.status && split.error == whole.error && split.body == whole.body,
          "split equals whole");
  if (whole.status != parse_status::complete) return 0;
  require(split.consumed == whole.consumed && split.trailers == whole.trailers, "same end");

  std::string out;
  if (!whole.body.empty()) {
    append_chunk_header(out, whole.body.size());
    out.append(whole.body).append("\r\n");
  }
  append_last_chunk(out, whole.trailers);
  const auto again = decode(out, [&] { return out.size(); });
  require(again.status == parse_status::complete && again.consumed == out.size() &&
              again.body == whole.body && again.trailers == whole.trailers,
          "written anew it decodes to the same");
  return 0;
}
