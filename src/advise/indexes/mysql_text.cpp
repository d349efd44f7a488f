#include "advise/indexes/mysql_text.hpp"

#include <cctype>

namespace fairing::advise::indexes {

namespace {

bool word_at(std::string_view text, std::size_t at, std::string_view word) {
  if (at + word.size() > text.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(text[at + i])) != word[i]) return false;
  const auto is_word = [&](std::size_t i) {
    return i < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
  };
  return (at == 0 || !is_word(at - 1)) && !is_word(at + word.size());
}

class translator {
 public:
  explicit translator(std::string_view text) : text_(text) {}

  mysql_translation run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '`')
      name();
    else if (c == '\'' || c == '"')
      string(c);
    else if (c == '#' || (c == '-' && text_.substr(at_).starts_with("-- ")))
      at_ = std::min(text_.find('\n', at_), text_.size());
    else if (text_.substr(at_).starts_with("/*"))
      comment();
    else if (c == '?')
      place(1, false);
    else if (text_.substr(at_).starts_with("(...)"))
      place(5, true);
    else if (text_.substr(at_).starts_with("&&"))
      replace(2, " AND ");
    else if (word_at(text_, at_, "limit"))
      limit();
    else
      out_.postgres += text_[at_++];
  }

  void replace(std::size_t length, std::string_view with) {
    out_.postgres += with;
    at_ += length;
  }

  void name() {
    out_.postgres += '"';
    for (++at_; at_ < text_.size() && text_[at_] != '`'; ++at_) {
      if (text_[at_] == '"') out_.postgres += '"';
      out_.postgres += text_[at_];
    }
    out_.postgres += '"';
    ++at_;
  }

  void string(char mark) {
    std::string body;
    bool escaped = false;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {
        escaped = true;
        body += c;
        body += text_[++at_];
        continue;
      }
      if (c == mark) {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != mark) break;
        ++at_;
      }
      if (c == '\'') body += '\'';
      body += c;
    }
    ++at_;
    out_.postgres += (escaped ? " E'" : "'") + body + "'";
  }

  void comment() {
    const auto end = text_.find("*/", at_ + 2);
    at_ = end == std::string_view::npos ? text_.size() : end + 2;
    out_.postgres += ' ';
  }

  void place(std::size_t length, bool list) {
    out_.places.push_back({at_, at_ + length, list});
    const auto parameter = "$" + std::to_string(out_.places.size());
    replace(length, list ? "(" + parameter + ")" : parameter);
  }

  void white() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  // A number or a place, as PostgreSQL has it.
  std::string operand() {
    white();
    if (at_ < text_.size() && text_[at_] == '?') {
      out_.places.push_back({at_, at_ + 1, false});
      ++at_;
      return "$" + std::to_string(out_.places.size());
    }
    std::string digits;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0)
      digits += text_[at_++];
    return digits;
  }

  void limit() {
    at_ += 5;
    const auto first = operand();
    out_.postgres += "LIMIT ";
    const auto behind = at_;
    white();
    if (first.empty() || at_ >= text_.size() || text_[at_] != ',') {
      at_ = behind;
      out_.postgres += first;
      return;
    }
    ++at_;
    out_.postgres += operand() + " OFFSET " + first;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  mysql_translation out_;
};

}  // namespace

mysql_translation translate_mysql(std::string_view text) { return translator(text).run(); }

std::string with_values(std::string_view text, const mysql_translation& t,
                        const std::vector<std::string>& values) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < t.places.size(); ++i) {
    const auto& place = t.places[i];
    out += text.substr(at, place.begin - at);
    const auto value = i < values.size() && !values[i].empty() ? values[i] : std::string("1");
    out += place.list ? "(" + value + ")" : value;
    at = place.end;
  }
  out += text.substr(at);
  return out;
}

}  // namespace fairing::advise::indexes
