#include "sql/logic/write_shape.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/sql_lexer/name.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using bus::write_kind;
using lex::statement_flag;
using lex::statement_kind;
using lex::token;
using lex::token_kind;
using lex::word;

namespace {

constexpr std::array<std::string_view, 8> makers_of_chance{
    "random",           "gen_random_uuid",  "gen_random_bytes",   "nextval",
    "uuid_generate_v1", "uuid_generate_v4", "uuid_generate_v1mc", "uuidv7"};

struct piece {
  token t;
  word w = word::none;
  std::uint32_t depth = 0;  // of parentheses and brackets around it
};
using pieces = std::span<const piece>;

bool is_name(const token& t) noexcept {
  return t.kind == token_kind::identifier || t.kind == token_kind::quoted_identifier ||
         t.kind == token_kind::unicode_identifier;
}

std::vector<piece> pieces_of(std::string_view text) {
  std::vector<piece> out;
  lex::lexer tokens(text);
  token t;
  std::uint32_t depth = 0;
  while (tokens.next(t)) {
    if (t.kind == token_kind::comment) continue;
    if ((t.is(')') || t.is(']')) && depth > 0) --depth;
    const auto w = t.kind == token_kind::identifier ? lex::word_of(t.of(text)) : word::none;
    out.push_back({t, w, depth});
    if (t.is('(') || t.is('[')) ++depth;
  }
  return out;
}

class scan {
 public:
  scan(std::string_view text, pieces all) : text_(text), all_(all) {}

  // The piece behind ON CONFLICT's DO; nullopt: there is no ON CONFLICT.
  [[nodiscard]] std::optional<std::size_t> behind_conflict_do() const {
    bool conflict = false;
    for (std::size_t i = 0; i + 1 < all_.size(); ++i) {
      if (all_[i].depth != 0) continue;
      conflict = conflict || (all_[i].w == word::kw_on && is(i + 1, "conflict"));
      if (conflict && all_[i].w == word::kw_do) return i + 1;
    }
    return std::nullopt;
  }

  // The assignments of the first SET behind a place.
  [[nodiscard]] pieces assignments(std::size_t from) const {
    std::size_t begin = from;
    while (begin < all_.size() && !(all_[begin].depth == 0 && all_[begin].w == word::kw_set))
      ++begin;
    if (begin++ >= all_.size()) return {};
    std::size_t end = begin;
    for (; end < all_.size(); ++end) {
      const auto& p = all_[end];
      if (p.depth != 0) continue;
      const bool relation =
          p.w == word::kw_from && all_[end - 1].w != word::kw_distinct;  // IS DISTINCT FROM
      if (p.w == word::kw_where || relation || p.w == word::kw_returning || p.t.is(';')) break;
    }
    return all_.subspan(begin, end - begin);
  }

  [[nodiscard]] bool calls_chance(pieces some) const {
    for (std::size_t i = 0; i + 1 < some.size(); ++i)
      if (is_name(some[i].t) && some[i + 1].t.is('(') &&
          std::ranges::any_of(makers_of_chance, [&](std::string_view name) {
            return lex::canonical_name(some[i].t.of(text_)) == name;
          }))
        return true;
    return false;
  }

  enum class effect : std::uint8_t { by_value, relative, unknown };
  [[nodiscard]] effect of_assignments(pieces list) const {
    auto worst = calls_chance(list) ? effect::relative : effect::by_value;
    for (std::size_t begin = 0; begin < list.size();) {
      std::size_t end = begin;
      while (end < list.size() && !(list[end].depth == list[begin].depth && list[end].t.is(',')))
        ++end;
      worst = std::max(worst, of_assignment(list.subspan(begin, end - begin)));
      begin = end + 1;
    }
    return worst;
  }

 private:
  [[nodiscard]] bool is(std::size_t i, std::string_view name) const {
    return iequals(all_[i].t.of(text_), name);
  }

  // a = expr, t.a[1] = expr, (a, b) = (expr, expr)
  [[nodiscard]] effect of_assignment(pieces one) const {
    std::size_t equals = 0;
    while (equals < one.size() && !(one[equals].depth == one[0].depth && one[equals].t.is('=')))
      ++equals;
    if (equals >= one.size()) return effect::unknown;
    std::vector<std::string> targets;
    const auto left = one.first(equals);
    for (std::size_t i = 0; i < left.size(); ++i)
      if (is_name(left[i].t) && left[i].depth <= one[0].depth + 1)
        targets.push_back(lex::canonical_name(left[i].t.of(text_)));
    return of_value(one.subspan(equals + 1), targets);
  }

  [[nodiscard]] effect of_value(pieces value, std::span<const std::string> targets) const {
    auto worst = effect::by_value;
    std::optional<std::uint32_t> select;  // the depth of a sub-select
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto& p = value[i];
      if (select && p.depth < *select) select.reset();
      if (p.w == word::kw_select && !select) select = p.depth;
      if (!is_name(p.t)) continue;
      if (i + 1 < value.size() && (value[i + 1].t.is('(') || value[i + 1].t.is('.'))) continue;
      if (std::ranges::find(targets, lex::canonical_name(p.t.of(text_))) == targets.end()) continue;
      if (i >= 2 && value[i - 1].t.is('.') && iequals(value[i - 2].t.of(text_), "excluded"))
        continue;
      if (keeps(value, i)) continue;
      worst = std::max(worst, select ? effect::unknown : effect::relative);
    }
    return worst;
  }

  // coalesce(n, ..), greatest(n, ..), least(.., n): once it is there it stays.
  [[nodiscard]] bool keeps(pieces value, std::size_t at) const {
    if (value.size() < 4 || !value[1].t.is('(') || !value.back().t.is(')')) return false;
    const auto function = value[0].t.of(text_);
    const bool first_only = iequals(function, "coalesce");
    if (!first_only && !iequals(function, "greatest") && !iequals(function, "least")) return false;
    if (value.back().depth != value[0].depth || value[at].depth != value[0].depth + 1) return false;
    // The call is all there is: its parenthesis closes at the end only.
    for (std::size_t i = 2; i + 1 < value.size(); ++i)
      if (value[i].depth <= value[0].depth) return false;
    auto begin = at;
    while (begin >= 2 && value[begin - 1].t.is('.')) begin -= 2;
    const auto& before = value[begin - 1];
    const auto& after = value[at + 1];
    const bool whole =
        (before.t.is('(') || before.t.is(',')) && (after.t.is(',') || after.t.is(')'));
    return whole && (!first_only || begin == 2);
  }

  std::string_view text_;
  pieces all_;
};

write_kind kind_of(const lex::statement& s) noexcept {
  const auto& f = s.flags;
  if (f.has(statement_flag::modifying_cte) || f.has(statement_flag::large_object) ||
      f.has(statement_flag::into) || f.has(statement_flag::explain_analyze))
    return write_kind::opaque;
  switch (s.kind) {
    case statement_kind::insert:
    case statement_kind::copy_in:
      return write_kind::insert;
    case statement_kind::update:
      return write_kind::update;
    case statement_kind::delete_rows:
      return write_kind::remove;
    case statement_kind::truncate:
      return write_kind::truncate;
    case statement_kind::other:
    case statement_kind::prepare_transaction:
    case statement_kind::commit_prepared:
    case statement_kind::execute:
    case statement_kind::copy_server:
    case statement_kind::create_temp:
    case statement_kind::merge:
    case statement_kind::call:
    case statement_kind::do_block:
    case statement_kind::ddl:
      return write_kind::opaque;
    default:
      return write_kind::none;
  }
}

std::uint32_t table_of(std::string_view text, const lex::relation_scanner& relations) {
  std::uint32_t table = 0;
  for (const auto& r : relations.relations()) {
    if (!r.written) continue;
    const auto hash =
        static_cast<std::uint32_t>(hash64(lex::canonical_name(r.name.of(text)), 0)) | 1;
    if (table != 0 && table != hash) return 0;
    table = hash;
  }
  return table;
}

}  // namespace

write_shape write_shape_of(std::string_view text, const lex::analyzer& a) {
  write_shape out;
  if (!a.statements_complete()) return {.kind = write_kind::opaque};
  for (const auto& s : a.statements()) {
    const auto kind = kind_of(s);
    if (kind != write_kind::none) out.kind = kind;
  }
  if (out.kind == write_kind::none) return out;
  if (a.statements().size() != 1) return {.kind = write_kind::opaque};
  if (out.kind == write_kind::opaque) return out;
  out.table = table_of(text, a.relations());
  out.relative = a.statements().front().kind == statement_kind::copy_in;
  const auto all = pieces_of(text);
  const scan s(text, all);
  std::size_t from = 0;
  if (out.kind == write_kind::insert && a.statements().front().kind == statement_kind::insert) {
    const auto conflict = s.behind_conflict_do();
    if (!conflict) return out;
    out.kind =
        all[*conflict].w == word::kw_update ? write_kind::upsert : write_kind::insert_or_nothing;
    from = *conflict;
    out.relative = out.kind == write_kind::upsert && s.calls_chance(all);
  }
  if (out.kind != write_kind::upsert && out.kind != write_kind::update) return out;
  switch (s.of_assignments(s.assignments(from))) {
    case scan::effect::by_value:
      break;
    case scan::effect::relative:
      out.relative = true;
      break;
    case scan::effect::unknown:
      out.kind = write_kind::opaque;
      break;
  }
  return out;
}

}  // namespace fairing::sql
