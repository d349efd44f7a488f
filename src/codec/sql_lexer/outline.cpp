#include "codec/sql_lexer/outline.hpp"

#include <cstring>

#include "codec/sql_lexer/chars.hpp"

namespace fairing::codec::sql_lexer {

namespace {

constexpr auto npos = std::string_view::npos;

enum class role : std::uint8_t {
  plain,   // is itself
  digit,   // may begin a number
  quote,   // '
  name,    // "
  dollar,  // begins a parameter or a string
  dash,    // may begin a comment
  slash,
  never,  // control characters
};

consteval std::array<role, 256> make_roles() {
  std::array<role, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    table[i] = role::plain;
    if (i < ' ' && !chars::is(c, chars::space)) table[i] = role::never;
    if (chars::is(c, chars::digit)) table[i] = role::digit;
  }
  table['\''] = role::quote;
  table['"'] = role::name;
  table['$'] = role::dollar;
  table['-'] = role::dash;
  table['/'] = role::slash;
  return table;
}
constexpr auto roles = make_roles();

char at_or_blank(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? text[at] : ' ';
}
char before(std::string_view text, std::size_t at) noexcept { return at > 0 ? text[at - 1] : ' '; }

std::size_t digits_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && chars::is(text[at], chars::digit)) ++at;
  return at;
}

bool joins_number(char c) noexcept { return chars::is(c, chars::ident_cont) || c == '.'; }

}  // namespace

void outline::put(std::string_view s) noexcept {
  std::memcpy(bytes_.data() + size_, s.data(), s.size());
  size_ += static_cast<std::uint32_t>(s.size());
}

bool outline::take(std::size_t begin, std::size_t end, bool string) noexcept {
  if (count_ == most_literals) return false;
  literals_[count_++] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                         string};
  return true;
}

std::size_t outline::number(std::string_view text, std::size_t at) noexcept {
  std::size_t end = digits_end(text, at);
  bool whole = true;
  if (at_or_blank(text, end) == '.' && digits_end(text, end + 1) > end + 1) {
    end = digits_end(text, end + 1);
    whole = false;
  }
  if (joins_number(before(text, at)) || joins_number(at_or_blank(text, end))) {
    put(text.substr(at, end - at));
    return end;
  }
  if (!take(at, end, false)) return npos;
  put(whole ? "\1" : "\2");
  return end;
}

std::size_t outline::string(std::string_view text, std::size_t at) noexcept {
  const char prefix = before(text, at);
  if (chars::is(prefix, chars::ident_cont) || prefix == '&') return npos;
  const auto close = text.find('\'', at + 1);
  if (close == npos) return npos;
  // A quote in it, or its next part on another line.
  std::size_t next = close + 1;
  while (next < text.size() && chars::is(text[next], chars::space)) ++next;
  if (at_or_blank(text, next) == '\'' || !take(at, close + 1, true)) return npos;
  put("''");
  return close + 1;
}

std::size_t outline::quoted_name(std::string_view text, std::size_t at) noexcept {
  const auto close = text.find('"', at + 1);
  if (close == npos) return npos;
  put(text.substr(at, close + 1 - at));
  return close + 1;
}

bool outline::read(std::string_view text) noexcept {
  size_ = count_ = 0;
  if (text.size() > most_bytes || text.find('\0') != npos) return false;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    switch (roles[static_cast<unsigned char>(c)]) {
      case role::plain:
        bytes_[size_++] = c;
        ++at;
        continue;
      case role::digit:
        at = number(text, at);
        break;
      case role::quote:
        at = string(text, at);
        break;
      case role::name:
        at = quoted_name(text, at);
        break;
      case role::dollar:
        // Inside a name it is a letter; else a number follows, or it begins a string.
        if (!chars::is(before(text, at), chars::ident_cont) &&
            !chars::is(at_or_blank(text, at + 1), chars::digit))
          return false;
        bytes_[size_++] = c;
        ++at;
        continue;
      case role::dash:
      case role::slash:
        if (at_or_blank(text, at + 1) == (c == '-' ? '-' : '*')) return false;
        bytes_[size_++] = c;
        ++at;
        continue;
      case role::never:
        return false;
    }
    if (at == npos) return false;
  }
  return true;
}

}  // namespace fairing::codec::sql_lexer
