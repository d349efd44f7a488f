// What is asked for is bounded, and what is passed on asks for nothing that was acted on here.
#include "http/logic/prefer.hpp"

#include <string>

#include "codec/http1/parser.hpp"
#include "fuzz/support.hpp"

using namespace fairing;
using fairing::fuzz::require;

// The input: header lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = [](const std::string& text, http::http1::request_head& head) {
    http::http1::head_parser parser;
    return parser.parse_request(text, head) == http::http1::parse_status::complete;
  };
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  text.append(fuzz::text_of(data, size)).append("\r\n\r\n");
  http::http1::request_head head;
  if (!parsed(text, head)) return 0;
  const auto asked = http::preferences_of(head);
  require(!asked.wait || (asked.wait->count() >= 0 && asked.wait->count() <= 86'400'000), "a day");
  const auto others = http::other_preferences(head);
  http::http1::request_head next;
  const auto passed_on = "GET / HTTP/1.1\r\nHost: a\r\nPrefer: " + others + "\r\n\r\n";
  require(parsed(passed_on, next), "what is passed on is a field's value");
  const auto then = http::preferences_of(next);
  require(!then.respond_async && !then.wait, "nobody acts on it twice");
  require(http::other_preferences(next) == others, "and it passes on unchanged");
  return 0;
}
