// CDN-Cache-Control (RFC 9213): the same directives as a dictionary of structured fields. A field
// that does not parse, or is empty, counts as absent, as a whole; a directive of a type it cannot
// have is as if unsaid; parameters mean nothing.
#include <algorithm>

#include "codec/structured_fields/structured_fields.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/directives.hpp"

namespace fairing::http {
namespace {

namespace sf = codec::structured_fields;

void apply_delta(const sf::bare_item* value, std::optional<seconds>& slot) {
  const auto* number = value ? std::get_if<std::int64_t>(value) : nullptr;
  if (number) slot = std::clamp(seconds{*number}, seconds{0}, delta_max);
}

// Anything but an explicit ?0 counts: the stricter reading.
bool said(const sf::bare_item* value) {
  const auto* boolean = value ? std::get_if<bool>(value) : nullptr;
  return !boolean || *boolean;
}

void apply_fields(const sf::bare_item* value, bool& whole, std::vector<std::string>& fields) {
  if (!said(value)) return;
  const auto* list = value ? std::get_if<std::string>(value) : nullptr;
  if (!list || !add_field_names(fields, *list)) whole = true;
}

void apply(std::string_view name, const sf::bare_item* value, response_directives& out) {
  if (name == "max-age") {
    apply_delta(value, out.max_age);
  } else if (name == "s-maxage") {
    apply_delta(value, out.s_maxage);
  } else if (name == "stale-while-revalidate") {
    apply_delta(value, out.stale_while_revalidate);
  } else if (name == "stale-if-error") {
    apply_delta(value, out.stale_if_error);
  } else if (name == "no-cache") {
    apply_fields(value, out.no_cache, out.no_cache_fields);
  } else if (name == "private") {
    apply_fields(value, out.is_private, out.private_fields);
  } else if (name == "no-store") {
    out.no_store = said(value);
  } else if (name == "must-revalidate") {
    out.must_revalidate = said(value);
  } else if (name == "proxy-revalidate") {
    out.proxy_revalidate = said(value);
  } else if (name == "no-transform") {
    out.no_transform = said(value);
  } else if (const auto* boolean = value ? std::get_if<bool>(value) : nullptr;
             boolean && *boolean) {
    // These allow something: only a plain truth will do.
    if (name == "public") out.is_public = true;
    if (name == "must-understand") out.must_understand = true;
    if (name == "immutable") out.immutable = true;
  }
}

}  // namespace

response_directives parse_cdn_directives(const http1::response_head& head) {
  response_directives out;
  std::string joined;
  for (const auto& h : head.headers) {
    if (h.id != http1::field::cdn_cache_control) continue;
    if (!joined.empty()) joined.append(", ");
    joined.append(h.value);
  }
  if (joined.empty()) return parse_surrogate_directives(head);
  const auto dictionary = sf::parse_dictionary(joined);
  if (!dictionary || dictionary->members.empty()) return parse_surrogate_directives(head);
  out.present = true;
  for (const auto& [name, member] : dictionary->members) {
    const auto* item = std::get_if<sf::item>(&member);
    apply(name, item ? &item->value : nullptr, out);
  }
  return out;
}

}  // namespace fairing::http
