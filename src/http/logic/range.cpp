#include "http/logic/range.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

// How many range-specs are looked at before the field is ignored as an attack.
constexpr std::size_t specs_max = 64;

enum class spec : std::uint8_t { malformed, outside, inside };

spec parse_spec(std::string_view text, std::uint64_t size, byte_range& out) noexcept {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return spec::malformed;
  const auto first = trim_ows(text.substr(0, dash));
  const auto last = trim_ows(text.substr(dash + 1));
  if (first.empty()) {  // suffix: the last n bytes
    const auto n = parse_digits(last);
    if (!n) return spec::malformed;
    if (*n == 0 || size == 0) return spec::outside;
    out = {size - std::min(*n, size), size - 1};
    return spec::inside;
  }
  const auto from = parse_digits(first);
  const auto to = last.empty() ? std::optional<std::uint64_t>{UINT64_MAX} : parse_digits(last);
  if (!from || !to || *to < *from) return spec::malformed;
  if (*from >= size) return spec::outside;
  out = {*from, std::min(*to, size - 1)};
  return spec::inside;
}

// Keeps `all` sorted and merged; a new range may bridge several old ones.
void add(std::array<byte_range, specs_max>& all, std::size_t& count, byte_range r) noexcept {
  std::size_t kept = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto old = all[i];
    if (old.first <= r.last + 1 && r.first <= old.last + 1) {
      r = {std::min(r.first, old.first), std::max(r.last, old.last)};
      continue;
    }
    all[kept++] = old;
    if (old.first < r.first) at = kept;
  }
  for (std::size_t i = kept; i > at; --i) all[i] = all[i - 1];
  all[at] = r;
  count = kept + 1;
}

}  // namespace

range_set parse_ranges(std::string_view value, std::uint64_t body_size) noexcept {
  range_set out;
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || !iequals(trim_ows(value.substr(0, equals)), "bytes"))
    return out;
  std::array<byte_range, specs_max> all;
  std::size_t count = 0;
  std::size_t specs = 0;
  bool malformed = false;
  for_each_list_element(value.substr(equals + 1), [&](std::string_view text) {
    if (malformed || ++specs > specs_max) {
      malformed = true;
      return;
    }
    byte_range r;
    switch (parse_spec(text, body_size, r)) {
      case spec::malformed:
        malformed = true;
        break;
      case spec::outside:
        break;
      case spec::inside:
        add(all, count, r);
        break;
    }
  });
  if (malformed || specs == 0 || count > range_set::limit) return out;
  if (count == 0) {
    out.use = range_use::unsatisfiable;
    return out;
  }
  out.use = range_use::parts;
  out.count = count;
  std::copy_n(all.begin(), count, out.ranges.begin());
  return out;
}

range_set asked_ranges(const http1::request_head& request, const validators& stored,
                       std::uint64_t body_size) noexcept {
  if (request.method != http1::method::get) return {};
  const auto* asked = request.find(http1::field::range);
  if (!asked || !if_range_holds(request, stored)) return {};
  return parse_ranges(asked->value, body_size);
}

bool describes_content(std::string_view name) noexcept {
  return iequals(name, "content-digest") || iequals(name, "content-md5");
}

void append_content_range(std::string& out, byte_range r, std::uint64_t body_size) {
  out.append("Content-Range: bytes ");
  http1::append_decimal(out, r.first);
  out.push_back('-');
  http1::append_decimal(out, r.last);
  out.push_back('/');
  http1::append_decimal(out, body_size);
  out.append("\r\n");
}

void append_unsatisfied_range(std::string& out, std::uint64_t body_size) {
  out.append("Content-Range: bytes */");
  http1::append_decimal(out, body_size);
  out.append("\r\n");
}

std::array<char, 24> make_boundary(std::uint64_t random) noexcept {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 24> out{'f', 'a', 'i', 'r', 'i', 'n', 'g', '-'};
  for (std::size_t i = 8; i < out.size(); ++i, random >>= 4) out[i] = digits[random & 15];
  return out;
}

void append_part_head(std::string& out, std::string_view boundary, std::string_view content_type,
                      byte_range r, std::uint64_t body_size) {
  out.append("\r\n--").append(boundary).append("\r\n");
  if (!content_type.empty()) http1::append_header(out, "Content-Type", content_type);
  append_content_range(out, r, body_size);
  out.append("\r\n");
}

void append_parts_end(std::string& out, std::string_view boundary) {
  out.append("\r\n--").append(boundary).append("--\r\n");
}

std::uint64_t multipart_size(const range_set& set, std::string_view boundary,
                             std::string_view content_type, std::uint64_t body_size) {
  std::string heads;
  std::uint64_t bytes = 0;
  for (const auto& r : set.parts()) {
    append_part_head(heads, boundary, content_type, r, body_size);
    bytes += r.size();
  }
  append_parts_end(heads, boundary);
  return bytes + heads.size();
}

}  // namespace fairing::http
