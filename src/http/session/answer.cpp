#include "http/session/answer.hpp"

#include "http/logic/fields.hpp"

namespace fairing::http {

namespace {
stored_ptr make_marker(stored_kind kind, std::shared_ptr<answer> a) {
  const auto cost = sizeof(stored_response) + sizeof(answer) + a->cost_bytes();
  return stored_ptr(new stored_response(kind, std::move(a), cost));
}

std::string fields_of(const answer& a, compress::coding c, std::uint64_t length) {
  std::string out;
  append_etag(out, a, c);
  if (c != compress::coding::identity)
    out.append("Content-Encoding: ").append(compress::to_string(c)).append("\r\n");
  if (a.head.status != 204 && a.head.status != 304) append_content_length(out, length);
  if (a.compressible && !a.head.varies_on_encoding) out += "Vary: Accept-Encoding\r\n";
  out += "Age: ";
  out.shrink_to_fit();
  return out;
}
}  // namespace

void append_etag(std::string& out, const answer& a, compress::coding c) {
  if (a.head.etag.empty()) return;
  out += "ETag: ";
  if (c == compress::coding::identity)
    out += a.head.etag;
  else
    append_etag_variant(out, a.head.etag, compress::to_string(c));
  out += "\r\n";
}

stored_ptr make_stored(std::shared_ptr<const answer> a,
                       std::array<representation, compress::coding_count> codings) {
  auto cost = sizeof(stored_response) + sizeof(answer) + a->cost_bytes() + 64;
  for (std::size_t c = 0; c < codings.size(); ++c) {
    auto& r = codings[c];
    if (!r.body) continue;
    r.fields = fields_of(*a, static_cast<compress::coding>(c), r.body->size());
    cost += r.body->cost_bytes() + r.fields.capacity() + 16;
  }
  auto* made = new stored_response(stored_kind::response, std::move(a), cost);
  made->codings = std::move(codings);
  return stored_ptr(made);
}

stored_ptr make_vary_marker(vary_spec spec) {
  auto a = std::make_shared<answer>();
  a->vary = std::move(spec);
  return make_marker(stored_kind::vary_marker, std::move(a));
}

stored_ptr make_hit_for_miss(cache_reason reason) {
  auto a = std::make_shared<answer>();
  a->reason = reason;
  return make_marker(stored_kind::hit_for_miss, std::move(a));
}

}  // namespace fairing::http
