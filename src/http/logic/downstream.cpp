// The answer's side of forward.hpp.
#include "codec/http1/date.hpp"
#include "http/logic/fields.hpp"
#include "http/logic/forward.hpp"
#include "http/logic/range.hpp"
#include "http/logic/stored_head.hpp"

namespace fairing::http {
namespace {

using enum http1::field;

bool is_digest(std::string_view name) noexcept {
  return iequals(name, "content-md5") || iequals(name, "digest") ||
         iequals(name, "content-digest") || iequals(name, "repr-digest");
}

bool is_left_out(const http1::response_head& response, const http1::header& h,
                 const downstream_context& c) noexcept {
  if (is_tag_field(h.id)) return true;
  if (h.id == content_length) return !c.pass_length || !c.coding.empty();
  if (c.partial && (h.id == content_range || (h.id == other && describes_content(h.name))))
    return true;
  if (!c.coding.empty()) {
    // They describe the bytes before encoding.
    if (h.id == content_encoding || h.id == content_range) return true;
    if (h.id == other && (is_digest(h.name) || iequals(h.name, "accept-ranges"))) return true;
  }
  return http1::is_hop_by_hop(response, h);
}

bool names_accept_encoding(const http1::response_head& response) noexcept {
  bool named = false;
  response.for_each_element(vary, [&](std::string_view name) {
    named |= name == "*" || iequals(name, "accept-encoding");
  });
  return named;
}

void append_framing(std::string& out, const http1::response_head& response,
                    const downstream_context& c, bool& must_close) {
  const bool no_body = response.status < 200 || response.status == 204 || response.status == 304;
  switch (c.body.kind) {
    case http1::body_kind::none:
      // A GET answered with nothing says so; HEAD, 204 and 304 have their own rules.
      if (!no_body && !c.pass_length) append_content_length(out, 0);
      break;
    case http1::body_kind::length:
      append_content_length(out, c.body.length);
      break;
    case http1::body_kind::chunked:
      if (c.client_http_1_0) {
        must_close = true;
      } else {
        out.append("Transfer-Encoding: chunked\r\n");
        for (const auto& h : response.headers)
          if (h.id == trailer) http1::append_header(out, h.name, h.value);
      }
      break;
    case http1::body_kind::until_close:
      must_close = true;
      break;
  }
}

}  // namespace

void append_response_head(std::string& out, const http1::response_head& response,
                          const downstream_context& c) {
  out.append("HTTP/1.1 ");
  http1::append_decimal(out, c.partial ? 206 : response.status);
  out.append(" ").append(c.partial ? "Partial Content" : response.reason).append("\r\n");
  bool dated = c.interim;
  for (const auto& h : response.headers) {
    if (is_left_out(response, h, c)) continue;
    dated |= h.id == date;
    if (h.id == etag && !c.coding.empty()) {
      out.append("ETag: ");
      append_etag_variant(out, h.value, c.coding);
      out.append("\r\n");
      continue;
    }
    http1::append_header(out, h.name, h.value);
  }
  if (!dated) {
    const auto now = http1::format_date(c.now);
    http1::append_header(out, "Date", {now.data(), now.size()});
  }
  if (c.tell_via) http1::append_header(out, "Via", via_value);
  if (!c.coding.empty()) http1::append_header(out, "Content-Encoding", c.coding);
  if ((!c.coding.empty() || c.vary_on_encoding) && !names_accept_encoding(response))
    out.append("Vary: Accept-Encoding\r\n");
  if (c.status && !c.interim) append_cache_status(out, *c.status);
  out.append(c.extra_fields);
  if (c.upgrade) {
    out.append("Connection: upgrade\r\n");
    for (const auto& h : response.headers)
      if (h.id == upgrade) http1::append_header(out, h.name, h.value);
  } else if (!c.interim) {
    bool must_close = !c.keep_alive;
    append_framing(out, response, c, must_close);
    if (must_close) {
      out.append("Connection: close\r\n");
    } else if (c.client_http_1_0) {
      out.append("Connection: keep-alive\r\n");
    }
  }
  out.append("\r\n");
}

}  // namespace fairing::http
