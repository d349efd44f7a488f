#include "service/message.hpp"

#include "codec/http1/date.hpp"
#include "codec/http1/writer.hpp"

namespace fairing::service {

std::string_view reason_of(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

void append_response(std::string& out, const response& r, const wire_form& form) {
  const bool bodiless = r.status == 204 || r.status == 304;
  out += "HTTP/1.1 ";
  http1::append_decimal(out, r.status);
  out += ' ';
  out += reason_of(r.status);
  out += "\r\n";
  const auto date = http1::format_date(form.now);
  http1::append_header(out, "Date", {date.data(), date.size()});
  if (!bodiless) {
    if (!r.content_type.empty()) http1::append_header(out, "Content-Type", r.content_type);
    out += "Content-Length: ";
    http1::append_decimal(out, r.body.size());
    out += "\r\n";
  }
  out += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  for (const auto& [name, value] : r.fields) http1::append_header(out, name, value);
  if (!form.keep_alive)
    out += "Connection: close\r\n";
  else if (form.client_http_1_0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (!form.head_only && !bodiless) out += r.body;
}

}  // namespace fairing::service
