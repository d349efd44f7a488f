// Any head ends in an answer, and nobody is let in who has no secret.
#include "codec/sqs/sigv4.hpp"
#include "codec/sqs/canonical.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::sqs;
using fairing::fuzz::require;

// First line: METHOD PATH?QUERY; then lines NAME:VALUE; after an empty one the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Not a secret that a corpus can hold a signature of.
  static const verifier v({{"AKIDEXAMPLE", "0b7c6f2ea9d54c0f8c1e"}});
  auto text = fairing::fuzz::text_of(data, size);
  const auto line = [&text] {
    const auto end = text.find('\n');
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
  };
  const auto first = line();
  const auto blank = first.find(' ');
  const auto url = blank == std::string_view::npos ? std::string_view() : first.substr(blank + 1);
  const auto mark = url.find('?');
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  while (!text.empty()) {
    const auto header = line();
    if (header.empty()) break;
    const auto colon = header.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(header.substr(0, colon), header.substr(colon + 1));
  }
  const auto who = v.verify({.method = first.substr(0, blank),
                             .path = url.substr(0, mark),
                             .query = mark == std::string_view::npos ? "" : url.substr(mark + 1),
                             .headers = headers,
                             .body = text},
                            1'440'938'160);
  require(!who, "refused");
  require(!who.error().message().empty(), "a reason");
  const auto path = canonical_path(url.substr(0, mark));
  require(path.starts_with('/') && path.find("//") == std::string::npos, "a normal path");
  return 0;
}
