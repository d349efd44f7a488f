#include "codec/sql_lexer/template.hpp"

#include <algorithm>
#include <cstring>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/sql_lexer/chars.hpp"
#include "codec/sql_lexer/print.hpp"

namespace fairing::codec::sql_lexer {

namespace {

// Keywords behind which a value begins: a + or - there is a sign.
[[nodiscard]] constexpr bool begins_operand(word w) noexcept {
  switch (w) {
    case word::kw_select:
    case word::kw_where:
    case word::kw_and:
    case word::kw_or:
    case word::kw_not:
    case word::kw_between:
    case word::kw_symmetric:
    case word::kw_in:
    case word::kw_like:
    case word::kw_ilike:
    case word::kw_is:
    case word::kw_from:
    case word::kw_for:
    case word::kw_then:
    case word::kw_else:
    case word::kw_when:
    case word::kw_case:
    case word::kw_limit:
    case word::kw_offset:
    case word::kw_by:
    case word::kw_to:
    case word::kw_on:
    case word::kw_having:
    case word::kw_return:
    case word::kw_returning:
    case word::kw_distinct:
    case word::kw_all:
    case word::kw_default:
    case word::kw_fetch:
    case word::kw_move:
    case word::kw_first:
    case word::kw_next:
    case word::kw_absolute:
    case word::kw_relative:
    case word::kw_backward:
    case word::kw_forward:
      return true;
    default:
      return false;
  }
}

[[nodiscard]] constexpr bool ends_order(word w) noexcept {
  return w == word::kw_limit || w == word::kw_offset || w == word::kw_fetch || w == word::kw_for ||
         w == word::kw_having || w == word::kw_union || w == word::kw_intersect ||
         w == word::kw_except || w == word::kw_window || w == word::kw_rows ||
         w == word::kw_range || w == word::kw_groups;
}

[[nodiscard]] constexpr bool is_value(word w) noexcept {
  return w == word::kw_null || w == word::kw_true || w == word::kw_false || w == word::kw_default;
}

// Statements that name a cursor, a savepoint or a prepared statement that is given up. (ROLLBACK does from TO on.)
[[nodiscard]] constexpr bool names_handle(word w) noexcept {
  return w == word::kw_declare || w == word::kw_fetch || w == word::kw_move ||
         w == word::kw_close || w == word::kw_savepoint || w == word::kw_release ||
         w == word::kw_deallocate;
}

// What may stand between their verb and the name.
[[nodiscard]] constexpr bool before_handle(word w) noexcept {
  switch (w) {
    case word::kw_all:
    case word::kw_from:
    case word::kw_in:
    case word::kw_next:
    case word::kw_prior:
    case word::kw_first:
    case word::kw_absolute:
    case word::kw_relative:
    case word::kw_backward:
    case word::kw_forward:
    case word::kw_savepoint:
    case word::kw_prepare:
      return true;
    default:
      return false;
  }
}

[[nodiscard]] std::uint32_t parameter_number(std::string_view digits) noexcept {
  std::uint64_t n = 0;
  for (const char c : digits)
    n = std::min<std::uint64_t>(n * 10 + static_cast<std::uint64_t>(c - '0'), UINT32_MAX);
  return static_cast<std::uint32_t>(n);
}

[[nodiscard]] constexpr bool is_number(const token& t) noexcept {
  return t.kind == token_kind::integer || t.kind == token_kind::decimal;
}

}  // namespace

template_builder::template_builder(template_limits limits)
    : limits_(limits), normal_(std::make_unique<char[]>(limits.normal_bytes)) {
  slots_.reserve(std::min<std::uint32_t>(limits.slots, 64));
}

void template_builder::begin(std::string_view text) noexcept {
  text_ = text;
  slots_.clear();
  lists_open_ = size_ = slot_count_ = number_ = depth_ = order_depth_ = 0;
  in_order_ = full_ = semicolon_ = sign_waits_ = in_signs_ = handle_waits_ = rolls_back_ = false;
  error_ = lex_error::none;
  previous_ = {};
  previous_.symbol = ';';
  previous_word_ = before_previous_ = word::none;
  hash_ = 0;
}

void template_builder::on(const token& t, word w) {
  if (sign_waits_ && !is_number(t)) {
    sign_waits_ = false;
    put(sign_.of(text_));
  }
  if (t.is(';')) {
    in_signs_ = false;
    semicolon_ = size_ != 0;
    in_order_ = handle_waits_ = rolls_back_ = false;
  } else {
    if (semicolon_) {
      put(";");
      semicolon_ = false;
    }
    const bool handle = handle_waits_ && is_handle(t, w);
    if (handle) w = word::none;  // a name, whatever it reads like
    if (lists_open_ != 0) note_in_list(t, w);
    if (handle) {
      handle_waits_ = false;
      put(handle_name);
    } else if (t.kind == token_kind::identifier) {
      put_folded(t.of(text_));
      if (previous_.is(';')) {
        handle_waits_ = names_handle(w);
        rolls_back_ = w == word::kw_rollback || w == word::kw_abort;
      } else if (rolls_back_ && w == word::kw_to) {
        handle_waits_ = true;
      }
    } else if (t.kind == token_kind::symbol) {
      symbol(t);
    } else if (is_literal(t.kind) || t.kind == token_kind::parameter) {
      literal(t);
    } else if (t.kind == token_kind::error) {
      error_ = t.error;
    } else if (t.kind == token_kind::national) {
      put("n");
    } else if (t.kind == token_kind::other && t.of(text_).front() < ' ') {
      put("\x03");  // must not pass for a mark of ours
    } else {
      put(t.of(text_));
    }
    track_order(w);
    if (!t.is('-') && !t.is('+')) in_signs_ = false;
  }
  previous_ = t;
  before_previous_ = previous_word_;
  previous_word_ = w;
}

void template_builder::finish(std::uint64_t seed) noexcept {
  if (sign_waits_) put(sign_.of(text_));
  sign_waits_ = false;
  while (lists_open_ != 0) close_list();
  hash_ = hash64(normal_form(), seed);
  if (!complete()) hash_ = mix64(hash_ + static_cast<std::uint64_t>(error_) + 1);
}

void template_builder::put(std::string_view bytes) noexcept {
  if (bytes.size() >= limits_.normal_bytes - size_ || full_) {
    full_ = true;
    lists_open_ = 0;
    return;
  }
  std::memcpy(normal_.get() + size_, bytes.data(), bytes.size());
  size_ += static_cast<std::uint32_t>(bytes.size());
  normal_[size_++] = ' ';
}

void template_builder::put_folded(std::string_view name) noexcept {
  const std::uint32_t from = size_;
  put(name);
  if (full_) return;
  const std::uint32_t to = size_ - 1;
  for (std::uint32_t at = from; at < to; at += 8) {
    char* const p = normal_.get() + at;
    const std::size_t room = std::min<std::uint32_t>(8, limits_.normal_bytes - at);
    const std::size_t n = std::min<std::size_t>(to - at, 8);
    const std::uint64_t folded = ascii_lower8(chars::load8(p, n, room));
    if (n == 8)
      std::memcpy(p, &folded, 8);
    else
      std::memcpy(p, &folded, n);
  }
}

bool template_builder::is_handle(const token& t, word w) const noexcept {
  if (t.kind == token_kind::quoted_identifier || t.kind == token_kind::unicode_identifier)
    return true;
  if (t.kind != token_kind::identifier) return false;
  if (previous_word_ == word::kw_from || previous_word_ == word::kw_in) return true;
  return !before_handle(w) && !iequals(t.of(text_), "last");
}

bool template_builder::unary_here() const noexcept {
  switch (previous_.kind) {
    case token_kind::identifier:
      return begins_operand(previous_word_);
    case token_kind::symbol:
      return !previous_.is(')') && !previous_.is(']');
    case token_kind::op:
    case token_kind::comparison:
    case token_kind::colon_equals:
      return true;
    default:
      return previous_.symbol == ';';
  }
}

void template_builder::symbol(const token& t) {
  switch (t.symbol) {
    case '+':
    case '-':
      if (unary_here()) {
        sign_ = t;
        // Of several signs none belongs to the value.
        sign_waits_ = !in_signs_ && !position_here();
        in_signs_ = true;
        if (sign_waits_) return;
      }
      break;
    case '(':
      if (previous_word_ == word::kw_values) open_list(list_kind::values, depth_);
      put("(");
      ++depth_;
      if (previous_word_ == word::kw_in) open_list(list_kind::in, depth_);
      return;
    case '[':
      put("[");
      ++depth_;
      if (previous_word_ == word::kw_array) open_list(list_kind::array, depth_);
      return;
    case ')':
    case ']':
      while (lists_open_ != 0 && lists_[lists_open_ - 1].depth >= depth_ &&
             lists_[lists_open_ - 1].kind != list_kind::values)
        close_list();
      if (depth_ != 0) --depth_;
      break;
    case ',':
      if (lists_open_ == 0) break;
      if (auto& top = lists_[lists_open_ - 1]; top.depth == depth_) {
        end_element();
        put(",");
        begin_element();
        return;
      } else {
        ++top.now.commas;
      }
      break;
    default:
      break;
  }
  put(t.of(text_));
}

void template_builder::literal(const token& t) {
  if (t.kind == token_kind::parameter) return add_slot(t, slot_kind::parameter, t.begin, false);
  if (is_number(t)) {
    if (sign_waits_) {
      sign_waits_ = false;
      return add_slot(t, slot_kind::number, sign_.begin, sign_.is('-'));
    }
    if (position_here()) return put(t.of(text_));
    return add_slot(t, slot_kind::number, t.begin, false);
  }
  const bool bits = t.kind == token_kind::bit_string || t.kind == token_kind::hex_string;
  add_slot(t, bits ? slot_kind::bits : slot_kind::string, t.begin, false);
}

void template_builder::add_slot(const token& t, slot_kind kind, std::uint32_t begin,
                                bool negative) {
  put({&slot_mark, 1});
  ++slot_count_;
  ++number_;
  if (slots_.size() >= limits_.slots) return;
  slot s{.begin = begin, .end = t.end, .kind = kind, .negative = negative};
  s.number = number_ <= UINT16_MAX ? static_cast<std::uint16_t>(number_) : std::uint16_t{0};
  if (kind == slot_kind::parameter) s.parameter = parameter_number(t.of(text_).substr(1));
  // A sign is folded into its number: what stands before it is two tokens back.
  const bool is_signed = begin != t.begin;
  const word w = is_signed ? before_previous_ : previous_word_;
  const word before = is_signed ? word::none : before_previous_;
  if (w == word::kw_limit) s.place = slot_place::limit;
  if (w == word::kw_offset) s.place = slot_place::offset;
  if ((w == word::kw_first || w == word::kw_next) && before == word::kw_fetch)
    s.place = slot_place::limit;
  for (std::uint32_t i = 0; i < lists_open_; ++i)
    (lists_[i].kind == list_kind::values ? s.in_values : s.in_list) = true;
  slots_.push_back(s);
}

// A number here is a column's position, not a value.
bool template_builder::position_here() const noexcept {
  return in_order_ && depth_ == order_depth_ &&
         (previous_word_ == word::kw_by || previous_.is(','));
}

void template_builder::track_order(word w) noexcept {
  if (w == word::kw_by && (previous_word_ == word::kw_order || previous_word_ == word::kw_group)) {
    in_order_ = true;
    order_depth_ = depth_;
  } else if (in_order_ && (depth_ < order_depth_ || (depth_ == order_depth_ && ends_order(w)))) {
    in_order_ = false;
  }
}

void template_builder::note_in_list(const token& t, word w) noexcept {
  // VALUES ends with the first token behind a row that is no comma.
  while (lists_open_ != 0) {
    const auto& top = lists_[lists_open_ - 1];
    if (top.kind != list_kind::values || top.depth != depth_ || t.is(',')) break;
    if (t.is('(') && previous_.is(',')) break;
    close_list();
  }
  if (lists_open_ == 0) return;
  auto& now = lists_[lists_open_ - 1].now;
  if (w == word::kw_select) now.select = true;
  const bool value = is_literal(t.kind) || t.kind == token_kind::parameter || is_value(w) ||
                     t.is('(') || t.is(')') || t.is(',') || t.is('-') || t.is('+');
  if (!value) now.simple = false;
}

void template_builder::open_list(list_kind kind, std::uint32_t depth) noexcept {
  if (lists_open_ == lists_.size() || full_) return;
  auto& l = lists_[lists_open_++];
  l = {};
  l.kind = kind;
  l.depth = depth;
  begin_element();
}

void template_builder::begin_element() noexcept {
  if (lists_open_ == 0) return;
  auto& l = lists_[lists_open_ - 1];
  l.now = {.begin = size_, .number = number_};
  l.first_slot = static_cast<std::uint32_t>(slots_.size());
}

void template_builder::end_element() noexcept {
  if (lists_open_ == 0) return;
  auto& l = lists_[lists_open_ - 1];
  l.now.end = size_;
  l.now.slots = number_ - l.now.number;
  const auto bytes = [this](const element& e) {
    return normal_form().substr(e.begin, e.end - e.begin);
  };
  const bool both_simple = l.now.simple && l.kept.simple && l.now.commas == l.kept.commas;
  const bool same = l.has_kept && l.now.begin != l.now.end &&
                    (both_simple || (l.now.slots != 0 && bytes(l.now) == bytes(l.kept)));
  if (!same) {
    l.kept = l.now;
    l.has_kept = true;
    return;
  }
  for (std::size_t i = l.first_slot; i < slots_.size(); ++i) {
    const std::uint32_t moved = slots_[i].number - l.now.number + l.kept.number;
    const bool known = slots_[i].number != 0 && l.now.slots == l.kept.slots;
    slots_[i].number = known ? static_cast<std::uint16_t>(moved) : std::uint16_t{0};
  }
  size_ = l.kept.end;
  number_ = l.now.number;
}

void template_builder::close_list() noexcept {
  end_element();
  const auto& l = lists_[--lists_open_];
  if (l.kept.slots != 0 && !l.kept.select) put({&list_mark, 1});
  if (lists_open_ == 0) return;
  auto& outer = lists_[lists_open_ - 1].now;
  outer.simple = false;
  outer.select = outer.select || l.kept.select || l.now.select;
}

void template_builder::print(std::string& out, std::size_t max_bytes) const {
  print_normal_form(normal_form(), out, max_bytes);
}

}  // namespace fairing::codec::sql_lexer
