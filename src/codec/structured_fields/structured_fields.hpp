// structured_fields: parser and serialiser of Structured Field Values (RFC 9651).
//
// Problem: Cache-Status, RateLimit, CDN-Cache-Control, Idempotency-Key and others share one
// grammar; read by hand each would be wrong in its own way.
//
// Flow:
//   auto cc = parse_dictionary(value);            // the field's lines joined with ", "
//   if (!cc) ignore the whole field (RFC 9651 §4.2: never a part of it), cc.error() says why
//   if (const auto* m = cc->find("max-age")) ...
//   auto text = serialize(*cc);
//
// An empty value is an empty list or dictionary, and an error for an item. Whole or not at all;
// nothing is guessed. Cost: linear but for repeated keys (the members are searched), bounded by
// `limits` below; allocates what the result holds. Never throws but for memory; no recursion. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "base/result.hpp"
#include "codec/structured_fields/value.hpp"

namespace fairing::codec::structured_fields {

enum class errc {
  ok = 0,
  unexpected_end,      // the text ends inside a value
  unexpected_char,     // a character that cannot stand there
  bad_key,             // a key does not begin with a lower-case letter or `*`
  bad_number,          // too many digits, or a dot without digits on both sides
  bad_string,          // an unfinished string, a bad escape, or a character outside printable ASCII
  bad_byte_sequence,   // an unfinished byte sequence, or not base64
  bad_boolean,         // not ?0 or ?1
  bad_date,            // not @ and an integer
  bad_display_string,  // an unfinished display string, a bad escape, or not UTF-8
  trailing_comma,      // a comma with nothing after it
  trailing_text,       // text after the end of the value
  too_many_members,    // over max_members, or max_inner in an inner list or in parameters
  not_expressible,     // serialising: a value outside what the format can write
};
[[nodiscard]] const std::error_category& structured_fields_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), structured_fields_category()};
}

inline constexpr std::size_t max_members = 1024;  // of a list or a dictionary
inline constexpr std::size_t max_inner = 256;     // of an inner list; parameters of one value
inline constexpr std::int64_t max_integer = 999'999'999'999'999;  // and its negative

[[nodiscard]] result<dictionary> parse_dictionary(std::string_view text);
[[nodiscard]] result<list> parse_list(std::string_view text);
[[nodiscard]] result<item> parse_item(std::string_view text);

// The canonical text; an empty list or dictionary is "" (then the field is not to be sent at all).
[[nodiscard]] result<std::string> serialize(const dictionary& value);
[[nodiscard]] result<std::string> serialize(const list& value);
[[nodiscard]] result<std::string> serialize(const item& value);

}  // namespace fairing::codec::structured_fields

template <>
struct std::is_error_code_enum<fairing::codec::structured_fields::errc> : std::true_type {};
