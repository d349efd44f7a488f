#include "checklist/path_template.hpp"

#include <algorithm>
#include <cstring>

namespace fairing::checklist {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
// What a literal segment may be made of: no quotes, no '*', no braces, no escapes.
constexpr bool is_plain(char c) noexcept {
  return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '@' ||
         c == '+' || c == ':';
}

bool is_version(std::string_view s) noexcept {  // v1, v12, v1.2
  return s.size() <= 5 && s[0] == 'v' &&
         std::ranges::all_of(s.substr(1), [](char c) { return is_digit(c) || c == '.'; });
}

// ".js" of "app.9f3c.js"; empty if it has none. A file's name says less than its kind.
std::string_view extension(std::string_view s) noexcept {
  const auto dot = s.rfind('.');
  if (dot == s.npos || dot == 0 || s.size() - dot < 2 || s.size() - dot > 6) return {};
  const auto ext = s.substr(dot);
  if (!is_alpha(ext[1])) return {};
  return std::ranges::all_of(ext.substr(1), [](char c) { return is_alpha(c) || is_digit(c); })
             ? ext
             : std::string_view{};
}

bool is_value(std::string_view s) noexcept {
  if (s.size() > max_plain_segment) return true;
  std::size_t digits = 0;
  std::size_t hex = 0;
  for (char c : s) {
    if (!is_plain(c)) return true;
    digits += is_digit(c) ? 1 : 0;
    hex += is_hex(c) ? 1 : 0;
  }
  if (s == "." || s == "..") return true;
  if (digits == 0) return false;
  if (is_version(s)) return false;
  if (digits >= 3 || digits * 2 > s.size()) return true;  // 42, sku-1001, a12
  return s.size() >= 8 && hex == s.size();                // deadbee1
}

// Ends in a segment after which nothing fits: room for "/{rest}" is always kept.
class writer {
 public:
  explicit writer(template_buffer& out) noexcept : out_(out) {}
  void put(std::string_view s) noexcept {
    std::memcpy(out_.data() + size_, s.data(), s.size());
    size_ += s.size();
  }
  [[nodiscard]] std::string_view text() const noexcept { return {out_.data(), size_}; }

 private:
  template_buffer& out_;
  std::size_t size_ = 0;
};
static_assert(max_template_segments * (max_plain_segment + 1) + 8 <= template_buffer{}.size());

}  // namespace

std::string_view path_template(std::string_view path, template_buffer& out) noexcept {
  if (path.empty() || path[0] != '/') return "(none)";
  writer w(out);
  std::size_t segments = 0;
  std::size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '/') {  // doubled slashes count as one
      ++at;
      continue;
    }
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    at = end;
    if (segments++ == max_template_segments) {
      w.put("/{rest}");
      return w.text();
    }
    w.put("/");
    const bool last = path.find_first_not_of('/', end) == path.npos;
    if (const auto ext = last ? extension(segment) : std::string_view{}; !ext.empty()) {
      w.put("*");
      w.put(ext);
    } else {
      w.put(is_value(segment) ? "{id}" : segment);
    }
  }
  return segments == 0 ? "/" : w.text();
}

std::string match_of(std::string_view path_template) {
  std::string out(path_template);
  for (auto [word, pattern] : {std::pair{"{id}", "*"}, std::pair{"{rest}", "**"}})
    for (auto at = out.find(word); at != out.npos; at = out.find(word, at + 1))
      out.replace(at, std::strlen(word), pattern);
  return out;
}

bool is_login_like(std::string_view path) noexcept {
  // One segment at a time, in lower case without '-' and '_'; longer ones are tokens, not names.
  std::array<char, 40> word{};
  std::size_t size = 0;
  bool otp_word = false;
  std::size_t letters = 0;  // of the word being read
  bool so_far_otp = true;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    const char c = i < path.size() ? path[i] : '/';
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (is_alpha(lower)) {
      so_far_otp = so_far_otp && letters < 3 && lower == "otp"[letters];
      ++letters;
    } else {
      otp_word = otp_word || (so_far_otp && letters == 3);
      letters = 0;
      so_far_otp = true;
    }
    if (c != '/') {
      if (c != '-' && c != '_' && size < word.size()) word[size++] = lower;
      continue;
    }
    const std::string_view segment(word.data(), size);
    if (otp_word) return true;
    for (std::string_view sign : {"login", "signin", "password", "token"})
      if (segment.find(sign) != segment.npos) return true;
    size = 0;
  }
  return false;
}

}  // namespace fairing::checklist
