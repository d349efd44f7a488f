#include "http/logic/stored_head.hpp"

#include <algorithm>

#include "codec/http1/date.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

// Fields that are made anew for each answer, or belong to one client.
bool kept_apart(const http1::header& h) noexcept {
  using enum http1::field;
  return h.id == age || h.id == content_length || h.id == etag || h.id == set_cookie ||
         is_tag_field(h.id);
}

bool named(const response_directives& d, std::string_view name) noexcept {
  const auto in = [&](const std::vector<std::string>& fields) {
    return std::ranges::any_of(fields, [&](const std::string& f) { return iequals(f, name); });
  };
  return in(d.no_cache_fields) || in(d.private_fields);
}

std::string_view standard_reason(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 404:
      return "Not Found";
    default:
      return "";
  }
}

// "products:42", "products.42" -> "products"; a tag without a row stays.
std::string_view table_of(std::string_view tag) noexcept {
  const auto at = tag.find_last_of(":.");
  return at == std::string_view::npos || at == 0 ? tag : tag.substr(0, at);
}

template <class F>
void for_each_tag(const http1::message_head& head, F&& f) {
  for (const auto& h : head.headers) {
    if (!is_tag_field(h.id)) continue;
    const bool commas = h.id == http1::field::cache_tag || h.id == http1::field::cache_tags;
    auto rest = h.value;
    const std::string_view separators = commas ? "," : " \t";
    while (!rest.empty()) {
      const auto end = rest.find_first_of(separators);
      if (const auto tag = trim_ows(rest.substr(0, end)); !tag.empty()) f(tag);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
}

void add(tag_list& list, std::string_view tag) noexcept {
  if (std::ranges::find(list, tag) != list.end()) return;
  if (list.count == tag_list::limit) {
    list.overflow = true;
  } else {
    list.tags[list.count++] = tag;
  }
}

}  // namespace

stored_head build_stored_head(const http1::response_head& response,
                              const response_directives& directives, wall_time received) {
  stored_head out;
  out.status = response.status;
  out.no_transform = directives.no_transform;
  out.text.reserve(response.size + 64);
  out.text.append("HTTP/1.1 ");
  http1::append_decimal(out.text, response.status);
  out.text.push_back(' ');
  out.text.append(response.reason.empty() ? standard_reason(response.status) : response.reason);
  out.text.append("\r\n");
  bool dated = false;
  out.date = received;
  for (const auto& h : response.headers) {
    if (h.id == http1::field::etag) out.etag = h.value;
    if (http1::is_hop_by_hop(response, h) || kept_apart(h) || named(directives, h.name)) continue;
    switch (h.id) {
      case http1::field::date: {
        const auto date = http1::parse_date(h.value);
        if (!date || dated) continue;  // no date at all: made below
        dated = true;
        out.date = *date;
        break;
      }
      case http1::field::last_modified:
        out.last_modified = http1::parse_date(h.value);
        break;
      case http1::field::content_encoding:
        out.encoded |= !iequals(h.value, "identity");
        break;
      case http1::field::vary:
        for_each_list_element(h.value, [&](std::string_view name) {
          out.varies_on_encoding |= iequals(name, "accept-encoding");
        });
        break;
      default:
        break;
    }
    http1::append_header(out.text, h.name, h.value);
  }
  if (!dated) {
    const auto date = http1::format_date(received);
    http1::append_header(out.text, "Date", {date.data(), date.size()});
  }
  http1::append_header(out.text, "Via", via_value);
  return out;
}

std::string make_etag(std::uint64_t body_hash) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"f-";
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(digits[(body_hash >> shift) & 15]);
  out.push_back('"');
  return out;
}

void append_etag_variant(std::string& out, std::string_view etag, std::string_view coding) {
  if (!etag.ends_with('"') ||
      etag.size() < 2) {  // not quoted: cannot be told apart from the identity's
    out.append(etag);
    return;
  }
  etag.remove_suffix(1);
  out.append(etag).append("-").append(coding).append("\"");
}

bool matches_etag_variant(std::string_view sent, std::string_view etag,
                          std::string_view coding) noexcept {
  if (sent.starts_with("W/")) sent.remove_prefix(2);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (sent.size() != etag.size() + coding.size() + 1 || etag.size() < 2) return false;
  const auto stem = etag.size() - 1;  // without the closing quote
  return sent.substr(0, stem) == etag.substr(0, stem) && sent[stem] == '-' &&
         sent.substr(stem + 1, coding.size()) == coding && sent.back() == '"';
}

void append_not_modified_fields(std::string& out, std::string_view stored_text, bool has_etag) {
  using enum http1::field;
  for_each_line(stored_text, [&](std::string_view name, std::string_view value) {
    switch (http1::field_from_name(name)) {
      case cache_control:
      case cdn_cache_control:
      case content_location:
      case date:
      case expires:
      case vary:
      case via:
        break;
      case last_modified:
        if (has_etag) return;
        break;
      default:
        return;
    }
    http1::append_header(out, name, value);
  });
}

tag_list extract_tags(const http1::message_head& head) noexcept {
  tag_list out;
  for_each_tag(head, [&](std::string_view tag) { add(out, tag); });
  if (!out.overflow) return out;
  out = {};
  for_each_tag(head, [&](std::string_view tag) { add(out, table_of(tag)); });
  return out;
}

}  // namespace fairing::http
