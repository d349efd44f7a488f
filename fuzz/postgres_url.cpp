// Any text is a URL or has a problem; a URL's plain form reads back as itself; the password comes into nothing that is shown.
#include <algorithm>
#include <string>

#include "app/config/postgres_url.hpp"
#include "fuzz/support.hpp"

using namespace fairing::config;
using fairing::fuzz::require;

namespace {

void never_shown(std::string_view secret, std::string_view shown) {
  require(shown.find(secret) == shown.npos, "the password is not shown");
}

// A password in a place where passwords stand.
void check_secret(std::string_view text) {
  constexpr std::string_view secret = "Zhunter2Z";
  if (text.find(secret.substr(0, 4)) != text.npos || text.find_first_of("&\n") != text.npos ||
      text.find("://") != text.npos)
    return;  // an `&` makes another option of it
  const std::string in(text);
  for (const auto& url : {"postgres://u:" + std::string(secret) + "@" + in,
                          "postgres://u:" + std::string(secret) + in + "@h/d",
                          "postgres://u:" + in + std::string(secret) + "@h/d",
                          "postgres://h/d?password=" + std::string(secret) + in,
                          "postgres://h/d?user=u&password=" + in + std::string(secret)}) {
    std::string problem;
    static_cast<void>(parse_postgres_url(url, problem));
    never_shown(secret, problem);
    never_shown(secret, masked(url));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, std::min<std::size_t>(size, 1024));
  check_secret(text);
  std::string problem;
  const auto url = parse_postgres_url(text, problem);
  static_cast<void>(masked(text));
  if (!url) {
    require(!problem.empty(), "a problem has its words");
    require(std::ranges::none_of(problem, [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
            "which can be printed");
    return 0;
  }
  const auto plain = to_text(url->upstream, password_shown::whole);
  const auto again = parse_postgres_url(plain, problem);
  require(again.has_value(), "the plain form reads back");
  require(to_text(again->upstream, password_shown::whole) == plain, "as itself");
  require(again->upstream.password == url->upstream.password &&
              again->upstream.user == url->upstream.user &&
              again->upstream.database == url->upstream.database &&
              again->upstream.host == url->upstream.host &&
              again->upstream.port == url->upstream.port &&
              again->upstream.ssl == url->upstream.ssl,
          "and means the same");
  return 0;
}
