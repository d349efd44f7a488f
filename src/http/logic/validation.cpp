#include "http/logic/validation.hpp"

#include <algorithm>

#include "codec/http1/date.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

// Tied to the stored body: a 304 has no body, so what it says of one is not about ours.
bool describes_body(const http1::header& h) noexcept {
  using enum http1::field;
  if (h.id == content_encoding || h.id == content_length || h.id == content_range || h.id == etag)
    return true;
  return h.id == other && (iequals(h.name, "content-md5") || iequals(h.name, "content-digest") ||
                           iequals(h.name, "repr-digest") || iequals(h.name, "digest"));
}

bool replaced_by(const http1::response_head& head, std::string_view name) noexcept {
  const auto* h = head.find(name);
  return h && !describes_body(*h) && !http1::is_hop_by_hop(head, *h) &&
         h->id != http1::field::set_cookie && h->id != http1::field::via;
}

}  // namespace

bool has_validators(const stored_head& stored) noexcept {
  return (!stored.etag.empty() && !stored.etag_made) || stored.last_modified.has_value();
}

bool append_validators(std::string& out, const stored_head& stored) {
  const auto before = out.size();
  if (!stored.etag.empty() && !stored.etag_made)
    http1::append_header(out, "If-None-Match", stored.etag);
  if (stored.last_modified) {
    const auto date = http1::format_date(*stored.last_modified);
    http1::append_header(out, "If-Modified-Since", {date.data(), date.size()});
  }
  return out.size() != before;
}

match_kind match_304(const stored_head& stored, const http1::response_head& head) noexcept {
  const auto etag = head.get(http1::field::etag);
  if (!etag.empty()) {
    if (strong_equal(etag, stored.etag)) return match_kind::strong;
    return weak_equal(etag, stored.etag) ? match_kind::weak : match_kind::differs;
  }
  const auto modified = http1::parse_date(head.get(http1::field::last_modified));
  return modified && stored.last_modified == modified ? match_kind::weak : match_kind::implied;
}

stored_head update_from_304(const stored_head& stored, const http1::response_head& head,
                            const response_directives& directives, wall_time received) {
  // The 304's fields as they would be stored, less those about a body.
  http1::response_head update;
  update.status = stored.status;
  update.size = head.size;
  for (const auto& h : head.headers)
    if (!describes_body(h) && h.id != http1::field::via) update.headers.push_back(h);
  const auto fresh = build_stored_head(update, directives, received);

  stored_head out;
  out.status = stored.status;
  out.etag = stored.etag;
  out.etag_made = stored.etag_made;
  out.encoded = stored.encoded;
  out.no_transform = stored.no_transform || fresh.no_transform;
  out.date = fresh.date;
  out.last_modified = fresh.last_modified ? fresh.last_modified : stored.last_modified;
  out.varies_on_encoding =
      head.has(http1::field::vary) ? fresh.varies_on_encoding : stored.varies_on_encoding;
  out.text.reserve(stored.text.size() + fresh.text.size());
  out.text.append(stored.text, 0, stored.text.find("\r\n") + 2);
  for_each_line(stored.text, [&](std::string_view name, std::string_view value) {
    if (iequals(name, "date") || replaced_by(head, name)) return;
    http1::append_header(out.text, name, value);
  });
  for_each_line(fresh.text, [&](std::string_view name, std::string_view value) {
    if (!iequals(name, "via")) http1::append_header(out.text, name, value);
  });
  return out;
}

void parse_stored(const stored_head& stored, http1::response_head& out,
                  const http1::response_head* not_modified) {
  out.headers.clear();
  out.present = ~std::uint64_t{0};
  out.status = stored.status;
  out.size = stored.text.size();
  for_each_line(stored.text, [&](std::string_view name, std::string_view value) {
    out.headers.push_back({name, value, http1::field_from_name(name)});
  });
  if (!stored.etag.empty()) out.headers.push_back({"ETag", stored.etag, http1::field::etag});
  if (!not_modified) return;
  for (const auto& h : not_modified->headers)
    if (h.id == http1::field::age) out.headers.push_back(h);
}

}  // namespace fairing::http
