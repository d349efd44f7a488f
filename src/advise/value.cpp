#include "advise/value.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "base/hash.hpp"

namespace fairing::advise {

namespace {

std::uint64_t seed() noexcept {
  static const std::uint64_t value = process_seed();
  return value;
}

value_key of_integer(std::int64_t v) noexcept {
  const auto h = mix64(static_cast<std::uint64_t>(v) ^ seed());
  return {static_cast<std::uint32_t>(h), value_kind::integer, v};
}

value_key of_bytes(std::string_view bytes, value_kind kind) noexcept {
  return {static_cast<std::uint32_t>(hash64(bytes, seed())), kind, 0};
}

std::optional<std::int64_t> integer_in(std::string_view text) noexcept {
  const bool minus = !text.empty() && text.front() == '-';
  const auto digits = text.substr(minus ? 1 : 0);
  if (digits.empty() || digits.size() > 18 || (digits.front() == '0' && text.size() > 1))
    return std::nullopt;
  std::int64_t v = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + (c - '0');
  }
  return minus ? -v : v;
}

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::optional<std::array<char, 16>> uuid_in(std::string_view text) noexcept {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  std::array<char, 16> out{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (i == 8 || i == 13 || i == 18 || i == 23) ++i;  // those dashes, and no others
    const int high = hex(text[i]);
    const int low = hex(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[at++] = static_cast<char>(high * 16 + low);
  }
  return out;
}

value_key of_text(std::string_view text) noexcept {
  if (const auto v = integer_in(text)) return of_integer(*v);
  if (const auto u = uuid_in(text)) return of_bytes({u->data(), u->size()}, value_kind::uuid);
  return of_bytes(text, value_kind::text);
}

std::optional<std::int64_t> integer_of(std::string_view bytes) noexcept {
  switch (bytes.size()) {
    case 2: {
      std::uint16_t v = 0;
      std::memcpy(&v, bytes.data(), 2);
      return static_cast<std::int16_t>(__builtin_bswap16(v));
    }
    case 4: {
      std::uint32_t v = 0;
      std::memcpy(&v, bytes.data(), 4);
      return static_cast<std::int32_t>(__builtin_bswap32(v));
    }
    case 8: {
      std::uint64_t v = 0;
      std::memcpy(&v, bytes.data(), 8);
      return static_cast<std::int64_t>(__builtin_bswap64(v));
    }
    default:
      return std::nullopt;
  }
}

value_key of_binary(std::string_view bytes, std::uint32_t type) noexcept {
  switch (static_cast<known_type>(type)) {
    case known_type::int2:
    case known_type::int4:
    case known_type::int8:
    case known_type::unknown:
      if (const auto v = integer_of(bytes)) return of_integer(*v);
      break;
    case known_type::oid:
      if (const auto v = integer_of(bytes); v && bytes.size() == 4)
        return of_integer(static_cast<std::uint32_t>(*v));
      break;
    case known_type::text:
    case known_type::varchar:
    case known_type::bpchar:
    case known_type::unknown_pg:
      return of_text(bytes);
    default:
      break;
  }
  const bool maybe_uuid = type == 0 || type == static_cast<std::uint32_t>(known_type::uuid);
  if (maybe_uuid && bytes.size() == 16) return of_bytes(bytes, value_kind::uuid);
  return type == 0 ? of_text(bytes) : of_bytes(bytes, value_kind::text);
}

// What is between the quotes, doubled ones made one in `room`; nullopt: too long, or escapes are in it.
std::optional<std::string_view> unquoted(std::string_view text, std::span<char> room) noexcept {
  bool escapes = false;
  if (!text.empty() && (text.front() == 'E' || text.front() == 'e')) {
    escapes = true;
    text.remove_prefix(1);
  }
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return std::nullopt;
  const auto inner = text.substr(1, text.size() - 2);
  if (escapes && inner.find('\\') != std::string_view::npos) return std::nullopt;
  if (inner.find('\'') == std::string_view::npos) return inner;
  if (inner.size() > room.size()) return std::nullopt;
  std::size_t n = 0;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\'' && (i + 1 == inner.size() || inner[++i] != '\'')) return std::nullopt;
    room[n++] = inner[i];
  }
  return std::string_view(room.data(), n);
}

value_key of_literal(std::string_view text) noexcept {
  if (text.empty()) return {};
  if (text.front() == '+') text.remove_prefix(1);
  if (const auto v = integer_in(text)) return of_integer(*v);
  std::array<char, 256> room;
  if (const auto inner = unquoted(text, room)) return of_text(*inner);
  return of_bytes(text, value_kind::text);
}

}  // namespace

value_key key_of(const value_view& v) noexcept {
  if (v.null || v.left_out) return {};
  switch (v.format) {
    case value_format::text:
      return of_text(v.bytes);
    case value_format::binary:
      return of_binary(v.bytes, v.type);
    case value_format::literal:
      return of_literal(v.bytes);
  }
  return {};
}

value_key integer_key(std::int64_t v) noexcept { return of_integer(v); }

std::int64_t count_of(const value_view& v) noexcept {
  const auto k = key_of(v);
  return k.kind == value_kind::integer ? k.integer : -1;
}

}  // namespace fairing::advise
