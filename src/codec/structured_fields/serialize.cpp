// The serialising algorithms of RFC 9651 §4.1, one function each; and the module's error sentences.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "codec/structured_fields/structured_fields.hpp"
#include "codec/structured_fields/syntax.hpp"

namespace fairing::codec::structured_fields {
namespace {

using namespace syntax;

constexpr std::int64_t max_thousandths = 999'999'999'999'999;  // twelve digits and three

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "structured_fields"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::ok:
        return "no error";
      case errc::unexpected_end:
        return "the text ends inside a value";
      case errc::unexpected_char:
        return "a character that cannot stand there";
      case errc::bad_key:
        return "a key does not begin with a lower-case letter or `*`";
      case errc::bad_number:
        return "a number has too many digits, or a dot without digits around it";
      case errc::bad_string:
        return "a string is unfinished, or has a bad escape or character";
      case errc::bad_byte_sequence:
        return "a byte sequence is unfinished or not base64";
      case errc::bad_boolean:
        return "a boolean is neither ?0 nor ?1";
      case errc::bad_date:
        return "a date is not @ and an integer";
      case errc::bad_display_string:
        return "a display string is unfinished or not UTF-8";
      case errc::trailing_comma:
        return "a comma with nothing after it";
      case errc::trailing_text:
        return "text after the end of the value";
      case errc::too_many_members:
        return "more members than the limit";
      case errc::not_expressible:
        return "a value that a structured field cannot express";
    }
    return "unknown error";
  }
};

// Appends to out; false as soon as something cannot be expressed.
class writer {
 public:
  bool put(const member& m) {
    if (const auto* list = std::get_if<inner_list>(&m)) return put(*list);
    return put(std::get<item>(m));
  }
  bool put(const item& i) { return std::visit(*this, i.value) && put(i.params); }
  bool put(const inner_list& l) {
    out += '(';
    for (std::size_t i = 0; i < l.items.size(); ++i) {
      if (i != 0) out += ' ';
      if (!put(l.items[i])) return false;
    }
    out += ')';
    return put(l.params);
  }
  bool put(const parameters& p) {
    for (const auto& [key, value] : p.entries) {
      out += ';';
      if (!put_key(key)) return false;
      if (const auto* flag = std::get_if<bool>(&value); flag != nullptr && *flag) continue;
      out += '=';
      if (!std::visit(*this, value)) return false;
    }
    return true;
  }
  bool put_key(const std::string& key) {
    if (key.empty() || !starts_key(key.front()) || !std::all_of(key.begin(), key.end(), in_key))
      return false;
    out += key;
    return true;
  }

  bool operator()(std::int64_t value) {
    fmt::format_to(std::back_inserter(out), "{}", value);
    return value >= -max_integer && value <= max_integer;
  }
  bool operator()(decimal value) {
    if (value.thousandths < -max_thousandths || value.thousandths > max_thousandths) return false;
    const auto size = value.thousandths < 0 ? -value.thousandths : value.thousandths;
    fmt::format_to(std::back_inserter(out), "{}{}.{:03}", value.thousandths < 0 ? "-" : "",
                   size / 1000, size % 1000);
    for (int i = 0; i < 2 && out.back() == '0'; ++i) out.pop_back();
    return true;
  }
  bool operator()(const std::string& text) {
    out += '"';
    for (char c : text) {
      if (!is_printable(c)) return false;
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    return true;
  }
  bool operator()(const token& value) {
    const auto& text = value.text;
    if (text.empty() || !starts_token(text.front()) ||
        !std::all_of(text.begin(), text.end(), in_token))
      return false;
    out += text;
    return true;
  }
  bool operator()(const byte_sequence& value) {
    out += ':';
    append_base64(out, value.bytes);
    out += ':';
    return true;
  }
  bool operator()(bool value) {
    out += value ? "?1" : "?0";
    return true;
  }
  bool operator()(date value) {
    out += '@';
    return (*this)(value.seconds);
  }
  bool operator()(const display_string& value) {
    if (!valid_utf8(value.utf8)) return false;
    out += "%\"";
    for (char c : value.utf8) {
      if (is_printable(c) && c != '%' && c != '"')
        out += c;
      else
        fmt::format_to(std::back_inserter(out), "%{:02x}", static_cast<unsigned char>(c));
    }
    out += '"';
    return true;
  }

  std::string out;
};

}  // namespace

const std::error_category& structured_fields_category() noexcept {
  static const category instance;
  return instance;
}

result<std::string> serialize(const dictionary& value) {
  writer w;
  for (const auto& [key, m] : value.members) {
    if (!w.out.empty()) w.out += ", ";
    if (!w.put_key(key)) return fail(errc::not_expressible, "key '" + key + "'");
    const auto* flag = std::get_if<item>(&m);
    bool ok = true;
    if (flag != nullptr && flag->value == bare_item(true)) {
      ok = w.put(flag->params);
    } else {
      w.out += '=';
      ok = w.put(m);
    }
    if (!ok) return fail(errc::not_expressible, "member '" + key + "'");
  }
  return std::move(w.out);
}

result<std::string> serialize(const list& value) {
  writer w;
  for (const auto& m : value.members) {
    if (!w.out.empty()) w.out += ", ";
    if (!w.put(m)) return fail(errc::not_expressible);
  }
  return std::move(w.out);
}

result<std::string> serialize(const item& value) {
  writer w;
  if (!w.put(value)) return fail(errc::not_expressible);
  return std::move(w.out);
}

}  // namespace fairing::codec::structured_fields
