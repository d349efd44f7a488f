#include "base/json_scan.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>

namespace fairing {
namespace {

constexpr int deepest = 64;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int hex(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Length of the UTF-8 sequence that begins `s`, 0 if it is none (Unicode 15, table 3-7).
std::size_t sequence(std::string_view s) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto b = at(0);
  const std::size_t n = b < 0x80   ? 1
                        : b < 0xC2 ? 0
                        : b < 0xE0 ? 2
                        : b < 0xF0 ? 3
                        : b < 0xF5 ? 4
                                   : 0;
  if (n < 2) return n;
  if (s.size() < n) return 0;
  const unsigned low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
  const unsigned high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < n; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  return n;
}

// Eight bytes of a string that stand for themselves: ASCII, no quote, no backslash, no control character.
bool all_plain(const char* p) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t high = 0x80 * each;
  std::uint64_t x;
  std::memcpy(&x, p, 8);
  // A byte below n sets its high bit in (y - n * each) & ~y; one that is none may set another's, beside a true one only.
  const auto below = [&](std::uint64_t y, std::uint64_t n) { return (y - n * each) & ~y; };
  return ((x | below(x, 0x20) | below(x ^ '"' * each, 1) | below(x ^ '\\' * each, 1)) & high) == 0;
}

class scanner {
 public:
  explicit scanner(std::string_view text, std::size_t at = 0) noexcept : text_(text), at_(at) {}

  void space() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] bool done() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  bool take(char c) noexcept {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] char peek() const noexcept { return done() ? '\0' : text_[at_]; }

  bool value(int depth) noexcept {
    switch (peek()) {
      case '{':
        return container(depth, '}', true);
      case '[':
        return container(depth, ']', false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool string() noexcept {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      while (text_.size() - at_ >= 8 && all_plain(text_.data() + at_)) at_ += 8;
      if (done()) return false;
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') return ++at_, true;
      if (c < 0x20) return false;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x80) {
        ++at_;
      } else {
        const auto n = sequence(text_.substr(at_));
        if (n == 0) return false;
        at_ += n;
      }
    }
    return false;
  }

 private:
  bool container(int depth, char close, bool members) noexcept {
    if (depth == deepest) return false;
    ++at_;
    space();
    if (take(close)) return true;
    for (;;) {
      if (members) {
        if (!string()) return false;
        space();
        if (!take(':')) return false;
        space();
      }
      if (!value(depth + 1)) return false;
      space();
      if (take(close)) return true;
      if (!take(',')) return false;
      space();
    }
  }

  bool escape() noexcept {
    if (++at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++at_)
      if (at_ == text_.size() || hex(text_[at_]) < 0) return false;
    return true;
  }

  bool word(std::string_view w) noexcept {
    if (!text_.substr(at_).starts_with(w)) return false;
    at_ += w.size();
    return true;
  }

  bool digits() noexcept {
    const auto from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > from;
  }

  bool number() noexcept {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  std::size_t at_;
};

std::string_view trimmed(std::string_view s) noexcept {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  put(0xF0 | c >> 18);
  put(0x80 | (c >> 12 & 0x3F));
  put(0x80 | (c >> 6 & 0x3F));
  put(0x80 | (c & 0x3F));
}

std::uint32_t unit(std::string_view s, std::size_t at) noexcept {
  std::uint32_t c = 0;
  for (std::size_t i = 0; i < 4; ++i) c = c << 4 | static_cast<std::uint32_t>(hex(s[at + i]));
  return c;
}

// After "\u" at `at`; leaves it behind the escape, or the pair of them.
std::uint32_t code_point(std::string_view s, std::size_t& at) noexcept {
  auto c = unit(s, at);
  at += 4;
  if (c < 0xD800 || c > 0xDFFF) return c;
  const bool pair = c < 0xDC00 && s.size() >= at + 6 && s[at] == '\\' && s[at + 1] == 'u';
  const auto low = pair ? unit(s, at + 2) : 0;
  if (low < 0xDC00 || low > 0xDFFF) return 0xFFFD;
  at += 6;
  return 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
}

std::string unescaped(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    const auto plain = s.find('\\', at);
    out += s.substr(at, plain - at);
    if (plain == std::string_view::npos) break;
    at = plain + 2;
    const char c = s[plain + 1];
    if (c == 'u') {
      append_utf8(out, code_point(s, at));
      continue;
    }
    constexpr std::string_view from = "bfnrt";
    constexpr std::string_view to = "\b\f\n\r\t";
    const auto control = from.find(c);
    out += control == std::string_view::npos ? c : to[control];
  }
  return out;
}

}  // namespace

bool json_valid(std::string_view text) noexcept {
  scanner s(text);
  s.space();
  if (!s.value(0)) return false;
  s.space();
  return s.done();
}

std::optional<std::string> json_string(std::string_view value) {
  value = trimmed(value);
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  return unescaped(value.substr(1, value.size() - 2));
}

std::optional<long long> json_integer(std::string_view value) noexcept {
  value = trimmed(value);
  long long n = 0;
  const auto r = std::from_chars(value.data(), value.data() + value.size(), n);
  if (r.ec != std::errc{} || r.ptr != value.data() + value.size()) return std::nullopt;
  return n;
}

std::optional<bool> json_boolean(std::string_view value) noexcept {
  value = trimmed(value);
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

json_walk::json_walk(std::string_view container) noexcept : text_(trimmed(container)) {
  if (!text_.empty() && (text_.front() == '{' || text_.front() == '[')) open_ = text_.front();
  at_ = 1;
}

bool json_walk::next(std::string& key, std::string_view& value) {
  if (open_ == 0) return false;
  scanner s(text_, at_);
  s.space();
  (void)s.take(',');
  s.space();
  if (s.peek() == '}' || s.peek() == ']' || s.done()) return false;
  key.clear();
  if (is_object()) {
    const auto from = s.at();
    if (!s.string()) return false;
    key = unescaped(text_.substr(from + 1, s.at() - from - 2));
    s.space();
    if (!s.take(':')) return false;
    s.space();
  }
  const auto from = s.at();
  if (!s.value(0)) return false;
  value = text_.substr(from, s.at() - from);
  at_ = s.at();
  return true;
}

}  // namespace fairing
