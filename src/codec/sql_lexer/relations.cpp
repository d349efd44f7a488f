#include "codec/sql_lexer/relations.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace fairing::codec::sql_lexer {

namespace {

[[nodiscard]] constexpr bool is_name(token_kind k) noexcept {
  return k == token_kind::identifier || k == token_kind::quoted_identifier ||
         k == token_kind::unicode_identifier;
}

// Words between the keyword and the relation's name.
[[nodiscard]] constexpr bool passes(word w) noexcept {
  return w == word::kw_only || w == word::kw_lateral || w == word::kw_table || w == word::kw_if ||
         w == word::kw_not || w == word::kw_exists || w == word::kw_temp ||
         w == word::kw_temporary || w == word::kw_unlogged || w == word::kw_local ||
         w == word::kw_global;
}

// Reserved words that are no name of a relation.
[[nodiscard]] constexpr bool is_reserved(word w) noexcept {
  return w == word::kw_select || w == word::kw_values || w == word::kw_with || w == word::kw_rows ||
         w == word::kw_set || w == word::kw_stdin || w == word::kw_stdout || w == word::kw_where ||
         w == word::kw_array;
}

[[nodiscard]] constexpr bool ends_from(word w) noexcept {
  return w == word::kw_where || w == word::kw_group || w == word::kw_having ||
         w == word::kw_window || w == word::kw_order || w == word::kw_limit ||
         w == word::kw_offset || w == word::kw_fetch || w == word::kw_for || w == word::kw_union ||
         w == word::kw_intersect || w == word::kw_except || w == word::kw_returning ||
         w == word::kw_values;
}

}  // namespace

relation_scanner::relation_scanner(relation_limits limits) : limits_(limits) {
  list_.reserve(std::min<std::uint32_t>(limits.relations, 16));
}

void relation_scanner::begin(std::string_view text) noexcept {
  text_ = text;
  list_.clear();
  expressions_size_ = depth_ = 0;
  levels_[0] = {};
  complete_ = true;
  expects_ = named_ = dot_ = false;
  previous_ = {};
  previous_word_ = word::none;
}

void relation_scanner::finish() {
  if (named_) end_name({});
}

void relation_scanner::on(const token& t, word w) {
  if (t.kind == token_kind::error) complete_ = false;
  if (!take_name(t, w)) {
    if (t.is('(')) {
      open();
    } else if (t.is(')')) {
      if (depth_ != 0) --depth_;
      expects_ = false;
    } else if (t.is(';')) {
      if (depth_ == 0) levels_[0] = {};
      expects_ = false;
    } else if (t.is(',')) {
      if (here().in == clause::from) expects_ = true;
    } else if (w != word::none) {
      keyword(t, w);
    } else if (is_name(t.kind)) {
      note_expression_name(t);
    } else {
      expects_ = false;
    }
  }
  previous_ = t;
  previous_word_ = w;
}

void relation_scanner::open() noexcept {
  // FROM (a JOIN b ..) goes on inside; any other parenthesis begins anew.
  const bool inside = expects_ && !written_ && here().in == clause::from;
  expects_ = inside;
  if (depth_ + 1 == levels_.size()) {
    complete_ = false;
    return;
  }
  levels_[++depth_] = {};
  if (inside) here().in = clause::from;
}

void relation_scanner::expect(bool written) noexcept {
  expects_ = true;
  written_ = written;
}

// True if t belongs to a relation's name and needs no further look.
bool relation_scanner::take_name(const token& t, word w) {
  if (named_) {
    if (!dot_ && t.is('.')) {
      dot_ = true;
      return true;
    }
    if (dot_ && is_name(t.kind)) {
      name_.end = t.end;
      dot_ = false;
      return true;
    }
    end_name(t);
  }
  if (!expects_ || passes(w)) return expects_;
  if (!is_name(t.kind) || is_reserved(w)) {
    if (!t.is('(')) expects_ = false;
    return false;
  }
  name_ = {t.begin, t.end};
  named_ = true;
  dot_ = expects_ = false;
  return true;
}

// `behind`: the token after the name; a parenthesis makes a name in FROM a function.
void relation_scanner::end_name(const token& behind) {
  named_ = false;
  if (behind.is('(') && !written_) return;
  relation r{.name = name_, .written = written_, .sure = !is_expression(name_)};
  for (const auto& known : list_)
    if (known.written == r.written && iequals(known.name.of(text_), name_.of(text_))) return;
  if (list_.size() >= limits_.relations) {
    complete_ = false;
    return;
  }
  list_.push_back(r);
}

bool relation_scanner::is_expression(text_range name) const noexcept {
  for (std::uint32_t i = 0; i < expressions_size_; ++i)
    if (iequals(expressions_[i].of(text_), name.of(text_))) return true;
  return false;
}

void relation_scanner::note_expression_name(const token& t) noexcept {
  if (!here().with) return;
  if (previous_word_ != word::kw_with && previous_word_ != word::kw_recursive && !previous_.is(','))
    return;
  if (expressions_size_ == expressions_.size())
    complete_ = false;
  else
    expressions_[expressions_size_++] = {t.begin, t.end};
}

void relation_scanner::keyword(const token& t, word w) {
  const bool starts = previous_.kind == token_kind::other || previous_.is(';') ||
                      previous_.is('(') || previous_.is(')') || previous_word_ == word::kw_as ||
                      previous_word_ == word::kw_explain || previous_word_ == word::kw_analyze ||
                      previous_word_ == word::kw_verbose;
  expects_ = false;
  auto& now = here();
  switch (w) {
    case word::kw_with:
      if (starts) now.with = true;
      return;
    case word::kw_select:
      now = {.in = clause::fields};
      return;
    case word::kw_from:
      if (previous_word_ == word::kw_distinct) return;  // IS DISTINCT FROM
      if (previous_word_ == word::kw_delete) {
        now = {.in = clause::target, .takes_using = true};
        return expect(true);
      }
      if (now.in != clause::fields) return;  // extract(year FROM x), COPY t FROM, REVOKE .. FROM
      now.in = clause::from;
      return expect(false);
    case word::kw_join:
      if (now.in == clause::from) expect(false);
      return;
    case word::kw_using:
      if (!now.takes_using || now.in == clause::from) return;
      now.in = clause::from;
      return expect(false);
    case word::kw_table:
      return expect(!starts);
    case word::kw_set:
      if (now.in == clause::target) now.in = clause::fields;  // UPDATE .. SET .. FROM
      return;
    case word::kw_insert:
    case word::kw_merge:
    case word::kw_into:
    case word::kw_update:
    case word::kw_truncate:
    case word::kw_lock:
    case word::kw_copy:
      if (starts || w == word::kw_into) dml(w);
      return;
    default:
      if (ends_from(w) && now.in == clause::from) now.in = clause::none;
      if (now.with) note_expression_name(t);
  }
}

void relation_scanner::dml(word w) {
  auto& now = here();
  switch (w) {
    case word::kw_into:
      if (previous_word_ == word::kw_as) return;
      if (previous_word_ == word::kw_insert || previous_word_ == word::kw_merge)
        now = {.in = clause::target, .takes_using = previous_word_ == word::kw_merge};
      return expect(true);
    case word::kw_update:
      now = {.in = clause::target};
      return expect(true);
    case word::kw_truncate:
    case word::kw_lock:
      now = {.in = clause::from};  // a list
      return expect(true);
    case word::kw_copy:
      now = {.in = clause::target};
      return expect(true);
    default:
      return;
  }
}

}  // namespace fairing::codec::sql_lexer
