#include "http/logic/kept_message.hpp"

#include <algorithm>

#include "codec/http1/writer.hpp"
#include "crypto/crypto.hpp"
#include "http/logic/fields.hpp"
#include "http/logic/prefer.hpp"
#include "http/logic/request_key.hpp"

namespace fairing::http {

namespace {

using enum http1::field;
constexpr std::size_t longest_key = 200;

void append_fields(std::string& out, const http1::message_head& head) {
  for (const auto& h : head.headers) {
    if (h.id == content_length || h.id == expect || h.id == prefer) continue;
    if (http1::is_hop_by_hop(head, h)) continue;
    http1::append_header(out, h.name, h.value);
  }
}

std::string hex_of(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  crypto::key hash;
  if (!crypto::sha256(text, hash)) return "no-hash";
  std::string out;
  for (const char c : hash.view()) {
    const auto b = static_cast<unsigned char>(c);
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

bool has_length(const http1::message_head& head, std::size_t size) {
  return head.body == http1::body_kind::length ? head.content_length == size : size == 0;
}

}  // namespace

std::string keep_request(const http1::request_head& head, std::string_view body) {
  std::string out;
  out.reserve(head.size + body.size() + 64);
  // Who names no host (HTTP/1.0 need not) is kept as what it was: in HTTP/1.1 a Host field cannot be empty.
  const bool hostless = head.authority.empty();
  out.append(head.method_text).append(1, ' ').append(head.target);
  out.append(hostless ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  append_fields(out, head);
  if (!hostless && !head.has(host)) http1::append_header(out, "Host", head.authority);
  if (const auto others = other_preferences(head); !others.empty())
    http1::append_header(out, "Prefer", others);
  const bool framed = head.body == http1::body_kind::length || !body.empty();
  if (framed || head.body == http1::body_kind::chunked) append_content_length(out, body.size());
  out.append("\r\n").append(body);
  return out;
}

std::string keep_answer(const http1::response_head& head, std::string_view body) {
  std::string out;
  out.reserve(head.size + body.size() + 64);
  out.append("HTTP/1.1 ");
  http1::append_decimal(out, head.status);
  out.append(1, ' ').append(head.reason).append("\r\n");
  append_fields(out, head);
  if (head.status != 204 && head.status != 304) append_content_length(out, body.size());
  out.append("\r\n").append(body);
  return out;
}

bool kept_request::read(std::string_view text) {
  http1::head_parser p(http1::parse_limits{text.size() + 1, text.size() + 1, 256});
  if (p.parse_request(text, head) != http1::parse_status::complete) return false;
  body = text.substr(head.size);
  return has_length(head, body.size());
}

bool kept_answer::read(std::string_view text, http1::method method) {
  http1::head_parser p(http1::parse_limits{text.size() + 1, text.size() + 1, 256});
  if (p.parse_response(text, method, head) != http1::parse_status::complete) return false;
  body = text.substr(head.size);
  return method == http1::method::head || has_length(head, body.size());
}

std::string principal_of(const http1::request_head& head, const async_config& c,
                         std::string_view client_ip) {
  std::string who;
  if (c.principal == rate_key::ip) {
    who = client_ip;
  } else if (c.principal == rate_key::cookie) {
    who = find_cookie(head, c.principal_name).value_or(std::string_view{});
  } else {
    for (const auto& h : head.headers)
      if (iequals(h.name, c.principal_name)) who.append(h.value).append(1, '\n');
  }
  return who.empty() ? who : hex_of(who);
}

std::string principal_text(const async_config& c) {
  if (c.principal == rate_key::ip) return "ip";
  return (c.principal == rate_key::cookie ? "cookie:" : "header:") + c.principal_name;
}

std::optional<async_config> principal_from(std::string_view text) {
  async_config c;
  const auto colon = text.find(':');
  const auto kind = text.substr(0, colon);
  if (kind == "header") {
    c.principal = rate_key::header;
  } else if (kind == "cookie") {
    c.principal = rate_key::cookie;
  } else if (kind == "ip") {
    c.principal = rate_key::ip;
  } else {
    return std::nullopt;
  }
  c.principal_name = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return c;
}

idempotency idempotency_of(const http1::request_head& head) {
  idempotency out;
  for (const auto& h : head.headers) {
    if (!iequals(h.name, "idempotency-key")) continue;
    out.valid = out.valid && !std::exchange(out.present, true);
    auto value = h.value;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    out.key = value;
    const auto visible = [](char ch) { return ch > ' ' && ch < 0x7f; };
    out.valid = out.valid && !value.empty() && value.size() <= longest_key &&
                std::ranges::all_of(value, visible);
  }
  return out;
}

std::string fingerprint_of(const http1::request_head& head, std::string_view body) {
  std::string text;
  text.append(head.method_text).append(1, '\n').append(head.target).append(1, '\n');
  text.append(head.get(content_type)).append(1, '\n').append(body);
  return hex_of(text);
}

}  // namespace fairing::http
