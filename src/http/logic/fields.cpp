#include "http/logic/fields.hpp"

namespace fairing::http {

bool connection_names_fields(const http1::message_head& head) noexcept {
  using enum http1::field;
  bool named = false;
  head.for_each_element(connection, [&](std::string_view name) {
    if (name == "keep-alive" || iequals(name, "close")) return;  // what clients send
    switch (http1::field_from_name(name)) {
      case connection:
      case keep_alive:
      case proxy_connection:
      case te:
      case trailer:
      case transfer_encoding:
      case upgrade:
        return;
      default:
        named |= !iequals(name, "http2-settings");
    }
  });
  return named;
}

bool is_tag_field(http1::field id) noexcept {
  using enum http1::field;
  return id == cache_tag || id == cache_tags || id == surrogate_key || id == xkey ||
         id == xkey_purge;
}

void append_content_length(std::string& out, std::uint64_t length) {
  out.append("Content-Length: ");
  http1::append_decimal(out, length);
  out.append("\r\n");
}

}  // namespace fairing::http
