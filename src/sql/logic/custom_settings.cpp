#include "sql/logic/custom_settings.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"
#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/name.hpp"
#include "sql/logic/settings.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::token;
using lex::token_kind;

namespace {

constexpr std::size_t longest = 200;
constexpr int deepest = 3;  // bodies in bodies

bool starts_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool goes_on(char c) noexcept { return starts_name(c) || (c >= '0' && c <= '9') || c == '$'; }

bool is_name(const token& t) noexcept {
  return t.kind == token_kind::identifier || t.kind == token_kind::quoted_identifier ||
         t.kind == token_kind::unicode_identifier;
}

// The text of a literal without its quotes; nullopt where it is written in a way that would have to be undone.
std::optional<std::string_view> plain_literal(std::string_view literal) noexcept {
  const auto open = literal.find('\'');
  if (open > 1 || literal.size() < open + 2 || literal.back() != '\'') return std::nullopt;
  const auto inside = literal.substr(open + 1, literal.size() - open - 2);
  if (inside.find_first_of("'\\") != inside.npos) return std::nullopt;
  return inside;
}

std::string_view dollar_body(std::string_view literal) noexcept {
  const auto tag = literal.find('$', 1) + 1;
  return literal.size() < 2 * tag ? std::string_view{}
                                  : literal.substr(tag, literal.size() - 2 * tag);
}

class finder {
 public:
  finder(std::string_view text, lex::lexer_options options, set_names& out, int depth)
      : text_(text), lexer_(text, options), options_(options), out_(out), depth_(depth) {}

  void run() {
    step();
    while (more_) {
      if (now_.kind == token_kind::dollar_string && depth_ < deepest)
        finder(dollar_body(now_.of(text_)), options_, out_, depth_ + 1).run();
      if (now_.kind == token_kind::identifier && iequals(now_.of(text_), "set"))
        after_set();
      else if (is_set_config())
        after_set_config();
      else
        step();
    }
  }
  [[nodiscard]] bool reads_list() const noexcept { return reads_list_; }

 private:
  void step() noexcept {
    do more_ = lexer_.next(now_);
    while (more_ && now_.kind == token_kind::comment);
    if (more_ && now_.kind == token_kind::identifier && iequals(now_.of(text_), "pg_settings"))
      reads_list_ = true;
  }
  [[nodiscard]] bool is_set_config() const {
    return is_name(now_) && lex::canonical_name(now_.of(text_)) == "set_config";
  }

  // SET [SESSION] a.b; what is LOCAL ends with its transaction.
  void after_set() {
    step();
    if (!more_ || !is_name(now_)) return;
    auto begin = now_.begin;
    auto end = now_.end;
    const bool scope = now_.kind == token_kind::identifier && iequals(now_.of(text_), "session");
    step();
    if (scope && more_ && is_name(now_)) {
      begin = now_.begin;
      end = now_.end;
      step();
    }
    while (more_ && now_.is('.')) {
      step();
      if (!more_ || !is_name(now_)) return;
      end = now_.end;
      step();
    }
    take(lex::canonical_setting(text_.substr(begin, end - begin)));
  }

  void after_set_config() {
    step();
    if (!more_ || !now_.is('(')) return;
    step();
    if (!more_) return;
    const auto first = now_;
    step();
    const bool alone = more_ && (now_.is(',') || now_.kind == token_kind::typecast);
    if (alone && first.kind == token_kind::parameter) {
      const auto number = parse_digits(first.of(text_).substr(1));
      if (number && *number > 0 && *number <= UINT16_MAX)
        out_.parameters.push_back(static_cast<std::uint16_t>(*number));
      return;
    }
    const bool text = first.kind == token_kind::string || first.kind == token_kind::escape_string;
    const auto literal = alone && text ? plain_literal(first.of(text_)) : std::nullopt;
    if (literal)
      take(*literal);
    else
      out_.unknown = true;
  }

  void take(std::string_view name) {
    if (name.find('.') == name.npos) return;  // one that is listed
    if (auto custom = custom_name(name); !custom.empty())
      out_.names.push_back(std::move(custom));
    else
      out_.unknown = true;
  }

  std::string_view text_;
  lex::lexer lexer_;
  lex::lexer_options options_;
  set_names& out_;
  int depth_;
  token now_;
  bool more_ = false;
  bool reads_list_ = false;
};

}  // namespace

set_names set_names_of(std::string_view text, lex::lexer_options options) {
  set_names out;
  finder f(text, options, out, 0);
  f.run();
  // pg_dump: `SELECT set_config(name, '', false) FROM pg_settings WHERE ...`. What comes from there is listed there.
  if (f.reads_list()) out.unknown = false;
  return out;
}

std::string custom_name(std::string_view text) {
  if (text.size() > longest) return {};
  bool begins = true;
  bool dotted = false;
  for (const char c : text) {
    if (begins ? !starts_name(c) : !goes_on(c) && c != '.') return {};
    begins = c == '.';
    dotted = dotted || begins;
  }
  return dotted && !begins ? to_lower(text) : std::string();
}

custom_settings::custom_settings() : query_(sql::state_query()) {}

std::size_t custom_settings::place_of(std::string_view name) const noexcept {
  const auto at = std::lower_bound(names_.begin(), names_.end(), name);
  return static_cast<std::size_t>(at - names_.begin());
}

bool custom_settings::contains(std::string_view name) const noexcept {
  const auto at = place_of(name);
  return at < names_.size() && names_[at] == name;
}

void custom_settings::see(std::string_view name) noexcept {
  if (contains(name)) seen_[place_of(name)] = ++clock_;
}

void custom_settings::add(std::string_view name) {
  if (contains(name)) return see(name);
  if (names_.size() == most) {
    const auto oldest = std::min_element(seen_.begin(), seen_.end()) - seen_.begin();
    names_.erase(names_.begin() + oldest);
    seen_.erase(seen_.begin() + oldest);
  }
  const auto at = static_cast<std::ptrdiff_t>(place_of(name));
  names_.emplace(names_.begin() + at, name);
  seen_.insert(seen_.begin() + at, ++clock_);
  query_ = state_query_with(names_);
}

}  // namespace fairing::sql
