// Every prefix of an accepted header asks for more, every extension of it says the same.
#include "codec/http1/proxy_protocol.hpp"

#include <algorithm>

#include "fuzz/support.hpp"

using namespace fairing::codec::http1;
using fairing::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  proxy_header whole;
  const auto status = parse_proxy(text, whole);
  require(status != parse_status::need_more || size < 16 + max_proxy_v2_payload_bytes, "bounded");

  proxy_header split;
  auto last = parse_status::need_more;
  fairing::fuzz::splitter steps(text);
  for (std::size_t n = 0; last == parse_status::need_more; n = std::min(size, n + steps.next())) {
    last = parse_proxy(text.substr(0, n), split);
    if (n == size) break;
  }
  require(last == status, "split equals whole");
  if (status != parse_status::complete) return 0;
  require(whole.size <= size && whole.size == split.size, "same size");
  require(whole.source_address == split.source_address && whole.source_port == split.source_port,
          "same client");
  require(whole.proxied != whole.source_address.empty(), "an address if and only if proxied");
  return 0;
}
