#include "jobs/logic/error_text.hpp"

#include <cstddef>

namespace fairing::jobs {

namespace {

constexpr std::size_t longest = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A quoted text from `at`; where it ends. An apostrophe inside a word (can't) is none.
std::size_t quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  if (quote != '"' && quote != '\'' && quote != '`') return at;
  if (at > 0 && is_word(text[at - 1])) return at;
  const auto end = text.find(quote, at + 1);
  return end == std::string_view::npos ? at : end + 1;
}

// A word with digits in it from `at`: an id if it is long and hexadecimal (dashes of a UUID included), else a number.
struct word {
  std::size_t end = 0;
  bool digits = false;
  bool hex = true;
};
word word_at(std::string_view text, std::size_t at) {
  word w{.end = at};
  while (w.end < text.size()) {
    const char c = text[w.end];
    const bool dash =
        c == '-' && w.end > at && w.end + 1 < text.size() && is_hex(text[w.end + 1]) && w.hex;
    if (!is_word(c) && !dash) break;
    if (is_digit(c)) w.digits = true;
    if (!is_hex(c) && !dash) w.hex = false;
    ++w.end;
  }
  return w;
}

// Digits inside a word (timeout30s, v2) become N one run at a time.
void append_word(std::string& out, std::string_view w) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (!is_digit(w[i])) {
      out += w[i];
    } else if (i == 0 || !is_digit(w[i - 1])) {
      out += 'N';
    }
  }
}

constexpr std::string_view traceback = "Traceback (most recent call last)";

// Of a traceback the exception: the first line behind its frames, which are indented; of chained ones the last's.
std::string_view headline(std::string_view error) {
  const auto first = error.substr(0, error.find('\n'));
  if (!error.starts_with(traceback)) return first;
  auto rest = error.substr(error.rfind(traceback));
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    rest.remove_prefix(end + 1);
    const auto line = rest.substr(0, rest.find('\n'));
    if (!line.empty() && line.front() != ' ' && line.front() != '\t' && line.front() != '\r')
      return line;
  }
  return first;
}

}  // namespace

std::string shortened(std::string_view error, std::size_t most) {
  if (error.size() <= most || !error.starts_with(traceback))
    return std::string(error.substr(0, most));
  // The middle goes: its frames are in the worker's own log.
  std::string out(error.substr(0, error.find('\n')));
  out += "\n  ...\n";
  if (out.size() >= most) return std::string(error.substr(0, most));
  auto tail = error.substr(error.size() - (most - out.size()));
  const auto line = tail.find('\n');
  if (line != std::string_view::npos) tail.remove_prefix(line + 1);
  return out.append(tail);
}

std::string normalised(std::string_view error) {
  error = headline(error);
  std::string out;
  for (std::size_t i = 0; i < error.size() && out.size() < longest;) {
    if (const auto end = quoted(error, i); end > i) {
      out += R"("...")";
      i = end;
    } else if (is_word(error[i])) {
      const auto w = word_at(error, i);
      const auto text = error.substr(i, w.end - i);
      if (w.digits && w.hex && text.size() >= 16) {
        out += "ID";
      } else {
        append_word(out, text);
      }
      i = w.end;
    } else {
      const bool blank = static_cast<unsigned char>(error[i]) <= ' ';
      if (!blank) {
        out += error[i];
      } else if (!out.empty() && out.back() != ' ') {
        out += ' ';
      }
      ++i;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() > longest) out.resize(longest);
  return out;
}

}  // namespace fairing::jobs
