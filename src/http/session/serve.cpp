// Serving a stored answer: whole, as 304, or in ranges; in the best coding the client takes.
#include <array>

#include "codec/http1/writer.hpp"
#include "http/logic/conditional.hpp"
#include "http/logic/fields.hpp"
#include "http/logic/range.hpp"
#include "http/session/connection.hpp"

namespace fairing::http {

using compress::coding;

namespace {
constexpr std::uint32_t hot_hits = 16;  // from then on a better encoding pays
// Up to here a missing coding is made at once, a millisecond or two at the fast level; larger bodies go out as they
// are until the background has encoded them.
constexpr std::uint64_t encode_at_once = 128 * 1024;

// The coding whose ETag the client's If-None-Match names, if any does.
std::optional<coding> named_variant(const http1::request_head& head, const answer& a) {
  std::optional<coding> hit;
  head.for_each_element(http1::field::if_none_match, [&](std::string_view sent) {
    for (const auto c : {coding::gzip, coding::br, coding::zstd})
      if (!hit && matches_etag_variant(sent, a.head.etag, compress::to_string(c))) hit = c;
  });
  return hit;
}
}  // namespace

coding connection::choose_coding(const http1::request_head& head, const route_runtime& route,
                                 const stored_response& v, std::string_view key, coding* encode) {
  if (!route.compression || !v.of->compressible || route.bypassed()) return coding::identity;
  const auto* asked = head.find(http1::field::accept_encoding);
  if (!asked) return coding::identity;
  const auto& accepted = home_.accepted_of(asked->value);
  const auto& offered = site_->config.compression.encodings;
  const auto best = compress::choose(accepted, offered).value_or(coding::identity);
  if (best == coding::identity) return best;
  const auto bit = 1U << static_cast<unsigned>(best);
  const auto& there = v.codings[static_cast<std::size_t>(best)];
  if (there.body) {
    if (there.effort == compress::effort::fast &&
        v.hits.fetch_add(1, std::memory_order_relaxed) == hot_hits)
      home_.plane.encode_later(std::string(key), stored_ptr(&v), best, compress::effort::best);
    return best;
  }
  if ((v.encoding_asked.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) {
    if (encode && v.identity()->size() <= encode_at_once) {
      *encode = best;
      return coding::identity;
    }
    home_.plane.encode_later(std::string(key), stored_ptr(&v), best, compress::effort::fast);
  }
  for (const auto c : offered)
    if (accepted.allows(c) && v.codings[static_cast<std::size_t>(c)].body) return c;
  return coding::identity;
}

// Outside the shard's lock. What comes back is to be served, whether the entry is still there or not.
stored_ptr connection::encode_now(const stored_ptr& v, std::string_view key, coding c) {
  auto encoded = compress::encode(c, compress::effort::fast, v->identity()->copy());
  if (!encoded || encoded->size() >= v->identity()->size()) return v;
  auto codings = v->codings;
  codings[static_cast<std::size_t>(c)] = {body_data::make(std::move(*encoded)),
                                          compress::effort::fast};
  auto made = make_stored(v->of, std::move(codings));
  made->encoding_asked.store(v->encoding_asked.load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
  auto& store = home_.plane.store;
  (void)store.replace(store.hash(key), key, v.get(), made, now());
  return made;
}

void connection::append_common(std::string& out, const http1::request_head& head, const answer& a,
                               const cache_status& status, bool keep_alive) {
  if (a.compressible && !a.head.varies_on_encoding) out += "Vary: Accept-Encoding\r\n";
  out += "Age: ";
  append_from_age(out, head, a, status, keep_alive);
}

void connection::append_from_age(std::string& out, const http1::request_head& head, const answer& a,
                                 const cache_status& status, bool keep_alive) {
  static constexpr std::string_view name = "\r\nCache-Status: ";
  std::array<char, http1::most_decimal + name.size()> piece;
  const auto age = std::chrono::floor<seconds>(current_age(a.fresh, home_.core.now().mono));
  auto* const end = http1::put_decimal(
      piece.data(), static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0)));
  name.copy(end, name.size());
  out.append(piece.data(), static_cast<std::size_t>(end - piece.data()) + name.size());
  status_at_ = out.size();
  append_cache_status_member(out, status);
  status_size_ = out.size() - status_at_;
  if (rate_fields_.empty() && keep_alive && head.version_minor != 0) {
    out += "\r\n\r\n";
    return;
  }
  out += "\r\n";
  out += rate_fields_;
  if (!keep_alive)
    out += "Connection: close\r\n";
  else if (head.version_minor == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

std::uint16_t connection::append_by_condition(const http1::request_head& head, const answer& a,
                                              const cache_status& status, bool keep_alive) {
  auto& out = out_.text();
  auto matched = coding::identity;
  auto met = evaluate(head, a.head.validators());
  if (met == precondition::proceed && a.compressible)
    if (const auto variant = named_variant(head, a)) {
      met = precondition::not_modified;
      matched = *variant;
    }
  if (met == precondition::not_modified) {
    out += "HTTP/1.1 304 Not Modified\r\n";
    append_not_modified_fields(out, a.head.text, !a.head.etag.empty());
    append_etag(out, a, matched);
    append_common(out, head, a, status, keep_alive);
    return 304;
  }
  if (met == precondition::proceed) return 0;
  append_problem_response(out, problem::precondition_failed, "the precondition does not hold",
                          {.keep_alive = keep_alive,
                           .client_http_1_0 = head.version_minor == 0,
                           .head_only = head.method == http1::method::head,
                           .now = now().wall,
                           .status = &status});
  return 412;
}

std::uint16_t connection::append_stored(const http1::request_head& head, const route_runtime& route,
                                        const stored_response& v, std::string_view key,
                                        const cache_status& status, bool keep_alive,
                                        coding* encode) {
  const auto& a = *v.of;
  auto& out = out_.text();
  const bool only_head = head.method == http1::method::head;
  if (a.head.status == 200 && is_conditional(head))
    if (const auto code = append_by_condition(head, a, status, keep_alive)) return code;
  if (a.head.status == 200 && head.has(http1::field::range)) {
    const auto ranges = asked_ranges(head, a.head.validators(), v.identity()->size());
    if (ranges.use != range_use::whole) return append_ranges(head, v, ranges, status, keep_alive);
  }
  const auto chosen = choose_coding(head, route, v, key, encode);
  if (encode && *encode != coding::identity) return 0;
  const auto& [body, effort, fields] = v.codings[static_cast<std::size_t>(chosen)];
  note_facts(head, a, chosen);
  out += a.head.text;
  out += fields;
  if (chosen != coding::identity) {
    const auto which = static_cast<std::size_t>(chosen);
    home_.plane.compress_in[which].add(v.identity()->size());
    home_.plane.compress_out[which].add(body->size());
  }
  append_from_age(out, head, a, status, keep_alive);
  if (!only_head) out_.add(body, 0, body->size());
  return a.head.status;
}

std::uint16_t connection::append_unsatisfiable(const http1::request_head& head, std::uint64_t size,
                                               const cache_status& status, bool keep_alive) {
  std::string field;
  append_unsatisfied_range(field, size);
  append_problem_response(out_.text(), problem::range_not_satisfiable,
                          "no part of the ranges is in the body",
                          {.keep_alive = keep_alive,
                           .client_http_1_0 = head.version_minor == 0,
                           .now = now().wall,
                           .status = &status,
                           .extra_fields = field});
  return 416;
}

void connection::append_part_of(const http1::request_head& head, const answer& a, byte_range r,
                                std::uint64_t size, const cache_status& status, bool keep_alive) {
  auto& out = out_.text();
  out += "HTTP/1.1 206 Partial Content\r\n";
  for_each_line(a.head.text, [&](std::string_view name, std::string_view value) {
    if (!describes_content(name)) http1::append_header(out, name, value);
  });
  append_etag(out, a, coding::identity);
  append_content_range(out, r, size);
  append_content_length(out, r.size());
  append_common(out, head, a, status, keep_alive);
}

std::uint16_t connection::append_ranges(const http1::request_head& head, const stored_response& v,
                                        const range_set& ranges, const cache_status& status,
                                        bool keep_alive) {
  const auto& a = *v.of;
  const auto size = v.identity()->size();
  if (ranges.use == range_use::unsatisfiable)
    return append_unsatisfiable(head, size, status, keep_alive);
  if (ranges.count == 1) {
    const auto r = ranges.ranges[0];
    append_part_of(head, a, r, size, status, keep_alive);
    out_.add(v.identity(), r.first, r.size());
    return 206;
  }
  out_.text() += "HTTP/1.1 206 Partial Content\r\n";
  const auto made = make_boundary(home_.random());
  const std::string_view boundary(made.data(), made.size());
  for_each_line(a.head.text, [&](std::string_view name, std::string_view value) {
    if (!iequals(name, "content-type") && !describes_content(name))
      http1::append_header(out_.text(), name, value);
  });
  append_etag(out_.text(), a, coding::identity);
  out_.text()
      .append("Content-Type: multipart/byteranges; boundary=")
      .append(boundary)
      .append("\r\n");
  append_content_length(out_.text(), multipart_size(ranges, boundary, a.content_type, size));
  append_common(out_.text(), head, a, status, keep_alive);
  for (const auto& r : ranges.parts()) {
    append_part_head(out_.text(), boundary, a.content_type, r, size);
    out_.add(v.identity(), r.first, r.size());
  }
  append_parts_end(out_.text(), boundary);
  return 206;
}

}  // namespace fairing::http
