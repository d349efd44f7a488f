#include "codec/sql_lexer/analyzer.hpp"

namespace fairing::codec::sql_lexer {

void analyzer::run(std::string_view text, part parts, lexer_options options) {
  const auto wants = [parts](part p) {
    return (static_cast<std::uint8_t>(parts) & static_cast<std::uint8_t>(p)) != 0;
  };
  const bool statements = wants(part::statements);
  const bool shape = wants(part::shape);
  const bool relations = wants(part::relations);
  if (statements) statements_.begin(text);
  if (shape) shape_.begin(text);
  if (relations) relations_.begin(text);
  lexer lex(text, options);
  token t;
  bool dot = false;  // behind a dot a keyword is a name
  while (lex.next(t)) {
    if (t.kind == token_kind::comment) continue;
    word w = word::none;
    if (t.kind == token_kind::identifier) {
      w = word_of(t.of(text), text.size() - t.begin);
      if (dot && !is_function(w)) w = word::none;
    }
    dot = t.is('.');
    if (shape) shape_.on(t, w);
    if (statements) statements_.on(t, w);
    if (relations) relations_.on(t, w);
  }
  if (statements) statements_.finish();
  if (shape) shape_.finish(seed_);
  if (relations) relations_.finish();
}

}  // namespace fairing::codec::sql_lexer
