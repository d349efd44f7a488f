// The parsing algorithms of RFC 9651 §4.2, one function each.
#include <algorithm>

#include "codec/structured_fields/structured_fields.hpp"
#include "codec/structured_fields/syntax.hpp"

namespace fairing::codec::structured_fields {
namespace {

using namespace syntax;

// Each function returns false after having set error_; what it appended is then meaningless.
class parser {
 public:
  explicit parser(std::string_view text) noexcept : rest_(text) { skip_spaces(); }

  [[nodiscard]] errc error() const noexcept { return error_; }
  bool take_list(list& out);
  bool take_dictionary(dictionary& out);
  bool take_item(item& out);
  // Only spaces may be left.
  bool finish();

 private:
  bool fail(errc e) noexcept {
    error_ = e;
    return false;
  }
  [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() noexcept {
    while (take(' ')) {
    }
  }
  void skip_ows() noexcept {
    while (take(' ') || take('\t')) {
    }
  }
  template <class Predicate>
  std::string_view take_while(Predicate matches) noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), matches);
    const auto part = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(part.size());
    return part;
  }
  bool next_member(bool& more);
  bool take_member(member& out);
  bool take_inner_list(inner_list& out);
  bool take_parameters(parameters& out);
  bool take_key(std::string& out);
  bool take_bare_item(bare_item& out);
  bool take_number(bare_item& out);
  bool take_string(bare_item& out);
  bool take_byte_sequence(bare_item& out);
  bool take_display_string(bare_item& out);
  bool take_date(bare_item& out);

  std::string_view rest_;
  errc error_ = errc::ok;
};

template <class Entries, class Value>
void put(Entries& entries, std::string key, Value value) {
  for (auto& [name, old] : entries) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  entries.emplace_back(std::move(key), std::move(value));
}

bool parser::finish() {
  skip_spaces();
  return rest_.empty() || fail(errc::trailing_text);
}

// Between two members: a comma with a member after it, or the end.
bool parser::next_member(bool& more) {
  skip_ows();
  more = !rest_.empty();
  if (!more) return true;
  if (!take(',')) return fail(errc::unexpected_char);
  skip_ows();
  return !rest_.empty() || fail(errc::trailing_comma);
}

bool parser::take_list(list& out) {
  for (bool more = !rest_.empty(); more;) {
    if (out.members.size() == max_members) return fail(errc::too_many_members);
    if (!take_member(out.members.emplace_back()) || !next_member(more)) return false;
  }
  return true;
}

bool parser::take_dictionary(dictionary& out) {
  for (bool more = !rest_.empty(); more;) {
    if (out.members.size() == max_members) return fail(errc::too_many_members);
    std::string key;
    if (!take_key(key)) return false;
    member value = item{true, {}};
    const bool ok = take('=') ? take_member(value) : take_parameters(std::get<item>(value).params);
    if (!ok) return false;
    put(out.members, std::move(key), std::move(value));
    if (!next_member(more)) return false;
  }
  return true;
}

bool parser::take_member(member& out) {
  if (peek() == '(') return take_inner_list(out.emplace<inner_list>());
  return take_item(out.emplace<item>());
}

bool parser::take_item(item& out) {
  return take_bare_item(out.value) && take_parameters(out.params);
}

bool parser::take_inner_list(inner_list& out) {
  take('(');
  for (;;) {
    skip_spaces();
    if (take(')')) return take_parameters(out.params);
    if (rest_.empty()) return fail(errc::unexpected_end);
    if (out.items.size() == max_inner) return fail(errc::too_many_members);
    if (!take_item(out.items.emplace_back())) return false;
    if (rest_.empty()) return fail(errc::unexpected_end);
    if (peek() != ' ' && peek() != ')') return fail(errc::unexpected_char);
  }
}

bool parser::take_parameters(parameters& out) {
  while (take(';')) {
    skip_spaces();
    if (out.entries.size() == max_inner) return fail(errc::too_many_members);
    std::string key;
    if (!take_key(key)) return false;
    bare_item value = true;
    if (take('=') && !take_bare_item(value)) return false;
    put(out.entries, std::move(key), std::move(value));
  }
  return true;
}

bool parser::take_key(std::string& out) {
  if (rest_.empty()) return fail(errc::unexpected_end);
  if (!starts_key(peek())) return fail(errc::bad_key);
  out = take_while(in_key);
  return true;
}

bool parser::take_bare_item(bare_item& out) {
  if (rest_.empty()) return fail(errc::unexpected_end);
  const char c = peek();
  if (c == '-' || is_digit(c)) return take_number(out);
  if (starts_token(c)) {
    out = token{std::string(take_while(in_token))};
    return true;
  }
  switch (c) {
    case '"':
      return take_string(out);
    case ':':
      return take_byte_sequence(out);
    case '@':
      return take_date(out);
    case '%':
      return take_display_string(out);
    case '?':
      take('?');
      if (peek() != '0' && peek() != '1') return fail(errc::bad_boolean);
      out = peek() == '1';
      rest_.remove_prefix(1);
      return true;
    default:
      return fail(errc::unexpected_char);
  }
}

bool parser::take_number(bare_item& out) {
  const std::int64_t sign = take('-') ? -1 : 1;
  const auto whole = take_while(is_digit);
  if (whole.empty() || whole.size() > 15) return fail(errc::bad_number);
  const auto digits = parse_digits(whole);
  if (!digits) return fail(errc::bad_number);
  auto value = static_cast<std::int64_t>(*digits);
  if (!take('.')) {
    out = sign * value;
    return true;
  }
  const auto fraction = take_while(is_digit);
  if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return fail(errc::bad_number);
  for (std::size_t i = 0; i < 3; ++i)
    value = value * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  out = decimal{sign * value};
  return true;
}

bool parser::take_string(bare_item& out) {
  take('"');
  std::string text;
  for (;;) {
    text += take_while([](char c) { return is_printable(c) && c != '"' && c != '\\'; });
    if (take('"')) break;
    if (!take('\\') || (peek() != '"' && peek() != '\\')) return fail(errc::bad_string);
    text += peek();
    rest_.remove_prefix(1);
  }
  out = std::move(text);
  return true;
}

bool parser::take_byte_sequence(bare_item& out) {
  take(':');
  const auto encoded = take_while([](char c) { return c != ':'; });
  byte_sequence value;
  if (!take(':') || !decode_base64(encoded, value.bytes)) return fail(errc::bad_byte_sequence);
  out = std::move(value);
  return true;
}

bool parser::take_date(bare_item& out) {
  take('@');
  bare_item number;
  if (!take_number(number) || !std::holds_alternative<std::int64_t>(number))
    return fail(errc::bad_date);
  out = date{std::get<std::int64_t>(number)};
  return true;
}

bool parser::take_display_string(bare_item& out) {
  take('%');
  if (!take('"')) return fail(errc::bad_display_string);
  const auto digit = [](char c) {
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  display_string value;
  for (;;) {
    value.utf8 += take_while([](char c) { return is_printable(c) && c != '"' && c != '%'; });
    if (take('"')) break;
    if (!take('%') || rest_.size() < 2) return fail(errc::bad_display_string);
    const int high = digit(rest_[0]);
    const int low = digit(rest_[1]);
    if (high < 0 || low < 0) return fail(errc::bad_display_string);
    value.utf8 += static_cast<char>(high * 16 + low);
    rest_.remove_prefix(2);
  }
  if (!valid_utf8(value.utf8)) return fail(errc::bad_display_string);
  out = std::move(value);
  return true;
}

template <class T>
result<T> parse(std::string_view text, bool (parser::*take)(T&)) {
  parser p(text);
  T out;
  if (!(p.*take)(out) || !p.finish()) return fail(p.error());
  return out;
}

}  // namespace

result<dictionary> parse_dictionary(std::string_view text) {
  return parse<dictionary>(text, &parser::take_dictionary);
}
result<list> parse_list(std::string_view text) { return parse<list>(text, &parser::take_list); }
result<item> parse_item(std::string_view text) { return parse<item>(text, &parser::take_item); }

}  // namespace fairing::codec::structured_fields
