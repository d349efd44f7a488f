// What was taken from a connection and kept is read back as it was, and keeping it once more changes nothing.
#include "http/logic/kept_message.hpp"

#include "fuzz/support.hpp"

using namespace fairing::http;
using fairing::fuzz::require;
using http1::parse_status;

namespace {

// Nothing of a hop stays, and what has a body says how long it is.
void check_fields(const http1::message_head& head, std::string_view body) {
  for (const auto f : {http1::field::connection, http1::field::transfer_encoding,
                       http1::field::expect, http1::field::upgrade, http1::field::te})
    require(!head.has(f), "a field of the connection is left out");
  require(body.empty() || head.content_length == body.size(), "it is framed by its length");
}

void check_request(std::string_view head_text, std::string_view body) {
  http1::request_head head;
  http1::head_parser parser;
  if (parser.parse_request(head_text, head) != parse_status::complete) return;
  const auto text = keep_request(head, body);
  kept_request back;
  require(back.read(text), "a kept request can be read");
  require(back.head.method == head.method && back.head.target == head.target && back.body == body,
          "and is the same");
  require(back.head.authority == head.authority, "for the same host");
  check_fields(back.head, body);
  require(keep_request(back.head, back.body) == text, "once more changes nothing");
  require(fingerprint_of(head, body) == fingerprint_of(back.head, back.body), "one fingerprint");
  const async_config by;
  require(principal_of(head, by, {}) == principal_of(back.head, by, {}), "one principal");
  const auto key = idempotency_of(head);
  require(!key.present || !key.valid || (!key.key.empty() && key.key.size() <= 200), "a key");
}

void check_answer(std::string_view head_text, std::string_view body, http1::method asked) {
  http1::response_head head;
  http1::head_parser parser;
  if (parser.parse_response(head_text, asked, head) != parse_status::complete) return;
  if (head.status < 200) return;                                     // no answer yet
  if (head.body == http1::body_kind::none && !body.empty()) return;  // cannot come
  const auto text = keep_answer(head, body);
  kept_answer back;
  require(back.read(text, asked), "a kept answer can be read");
  require(back.head.status == head.status && back.body == body, "and is the same");
  check_fields(back.head, asked == http1::method::head ? std::string_view{} : body);
  require(keep_answer(back.head, back.body) == text, "once more changes nothing");
}

}  // namespace

// A head as it comes from a connection, a NUL, its body; the whole is also read as if it had been kept.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  const auto cut = text.find('\0');
  const auto body = cut == std::string_view::npos ? std::string_view{} : text.substr(cut + 1);
  check_request(text.substr(0, cut), body);
  check_answer(text.substr(0, cut), body, http1::method::post);
  check_answer(text.substr(0, cut), {}, http1::method::head);
  kept_request request;
  if (request.read(text))
    require(request.head.size + request.body.size() == text.size(), "a message takes all bytes");
  kept_answer answer;
  if (answer.read(text, http1::method::get))
    require(answer.head.size + answer.body.size() == text.size(), "a message takes all bytes");
  return 0;
}
