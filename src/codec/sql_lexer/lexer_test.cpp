// Token by token: kinds and boundaries, and what is refused. differential_test compares boundaries
// with PostgreSQL's own scanner where its library is installed.
#include "codec/sql_lexer/lexer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/sql_lexer/statement_corpus.hpp"
#include "codec/sql_lexer/word.hpp"

namespace fairing::codec::sql_lexer {
namespace {

using namespace std::string_literals;

// Tokens joined by '|'.
std::string cut(std::string_view text, lexer_options options = {}) {
  std::string out;
  lexer lex(text, options);
  token t;
  while (lex.next(t)) {
    if (!out.empty()) out += '|';
    out += t.of(text);
  }
  return out;
}

token only(std::string_view text, lexer_options options = {}) {
  lexer lex(text, options);
  token t;
  EXPECT_TRUE(lex.next(t)) << text;
  EXPECT_EQ(t.end, text.size()) << text;
  return t;
}

lex_error fault(std::string_view text) {
  lexer lex(text);
  token t;
  while (lex.next(t))
    if (t.kind == token_kind::error) return t.error;
  return lex_error::none;
}

TEST(lexer, knows_the_kinds) {
  EXPECT_EQ(only("abc$1").kind, token_kind::identifier);
  EXPECT_EQ(only("\xc3\xa9").kind, token_kind::identifier);
  EXPECT_EQ(only("\"a\"\"b\"").kind, token_kind::quoted_identifier);
  EXPECT_EQ(only("U&\"a\"").kind, token_kind::unicode_identifier);
  EXPECT_EQ(only("'a''b'").kind, token_kind::string);
  EXPECT_EQ(only("e'a\\'b'").kind, token_kind::escape_string);
  EXPECT_EQ(only("u&'a'").kind, token_kind::unicode_string);
  EXPECT_EQ(only("B'01'").kind, token_kind::bit_string);
  EXPECT_EQ(only("x'0f'").kind, token_kind::hex_string);
  EXPECT_EQ(only("$a$ $b$ $$ $a$").kind, token_kind::dollar_string);
  EXPECT_EQ(only("12").kind, token_kind::integer);
  EXPECT_EQ(only("1.").kind, token_kind::decimal);
  EXPECT_EQ(only(".5e-3").kind, token_kind::decimal);
  EXPECT_EQ(only("$12").kind, token_kind::parameter);
  EXPECT_EQ(only("||").kind, token_kind::op);
  EXPECT_EQ(only("~").kind, token_kind::op);
  EXPECT_EQ(only("<=").kind, token_kind::comparison);
  EXPECT_EQ(only("-").symbol, '-');
  EXPECT_EQ(only("::").kind, token_kind::typecast);
  EXPECT_EQ(only(":=").kind, token_kind::colon_equals);
  EXPECT_EQ(only("..").kind, token_kind::dot_dot);
  EXPECT_EQ(only("/* /* */ */").kind, token_kind::comment);
  EXPECT_EQ(only("--x").kind, token_kind::comment);
  EXPECT_EQ(only("{").kind, token_kind::other);
  EXPECT_EQ(only("\v").kind, token_kind::other);
}

TEST(lexer, ends_operators_where_postgresql_does) {
  EXPECT_EQ(cut("a=-1"), "a|=|-|1");
  EXPECT_EQ(cut("a<=-1"), "a|<=|-|1");
  EXPECT_EQ(cut("a@-1"), "a|@-|1");
  EXPECT_EQ(cut("a+-+-b"), "a|+|-|+|-|b");
  EXPECT_EQ(cut("a*/*x*/b"), "a|*|/*x*/|b");
  EXPECT_EQ(cut("a<>--x\n1"), "a|<>|--x|1");
  EXPECT_EQ(cut("a||-b"), "a|||-|b") << "| frees the sign: one operator, ||-";
  EXPECT_EQ(cut("1..2"), "1|..|2");
  EXPECT_EQ(cut("n'x'"), "n|'x'");
}

TEST(lexer, continues_strings_over_line_breaks_only) {
  EXPECT_EQ(cut("'a'\n'b'"), "'a'\n'b'");
  EXPECT_EQ(cut("'a' --x\n 'b'"), "'a' --x\n 'b'");
  EXPECT_EQ(cut("'a' 'b'"), "'a'|'b'");
  EXPECT_EQ(cut("'a'/**/\n'b'"), "'a'|/**/|'b'");
  EXPECT_EQ(cut("E'a'\n'\\''"), "E'a'\n'\\''");
}

TEST(lexer, follows_standard_conforming_strings) {
  EXPECT_EQ(cut(R"('\' x)"), R"('\'|x)");
  EXPECT_EQ(cut(R"('\' x' y)", {.standard_conforming_strings = false}), R"('\' x'|y)");
}

TEST(lexer, refuses_what_the_scanner_refuses) {
  EXPECT_EQ(fault("select 'a"), lex_error::unterminated_string);
  EXPECT_EQ(fault("select e'a\\"), lex_error::unterminated_string);
  EXPECT_EQ(fault("select 'a'\n'b"), lex_error::unterminated_string);
  EXPECT_EQ(fault("select $a$ $b$"), lex_error::unterminated_dollar);
  EXPECT_EQ(fault("select \"a\"\""), lex_error::unterminated_identifier);
  EXPECT_EQ(fault("select \"\""), lex_error::empty_identifier);
  EXPECT_EQ(fault("/* /* */"), lex_error::unterminated_comment);
  EXPECT_EQ(fault("/*/"), lex_error::unterminated_comment);
  EXPECT_EQ(fault("1abc"), lex_error::trailing_junk);
  EXPECT_EQ(fault("1e"), lex_error::trailing_junk);
  EXPECT_EQ(fault("1e+"), lex_error::trailing_junk);
  EXPECT_EQ(fault("$1a"), lex_error::trailing_junk);
  EXPECT_EQ(fault(std::string(64, '@')), lex_error::operator_too_long);
  EXPECT_EQ(fault(std::string(63, '@')), lex_error::none);
  EXPECT_EQ(fault("select 1\0;"s), lex_error::nul_byte);
  EXPECT_EQ(fault("'a\0b'"s), lex_error::none) << "inside a string the bytes are not looked at";
}

TEST(lexer, takes_long_and_deep_texts) {
  EXPECT_EQ(only("'" + std::string(1 << 20, 'x') + "'").kind, token_kind::string);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "/*";
  EXPECT_EQ(fault(deep), lex_error::unterminated_comment);
  for (int i = 0; i < 100000; ++i) deep += "*/";
  EXPECT_EQ(only(deep).kind, token_kind::comment);
}

TEST(lexer, every_prefix_stays_inside_its_bytes) {
  for (const auto sql : statement_corpus) {
    for (std::size_t n = 0; n <= sql.size(); ++n) {
      const std::string prefix(sql.substr(0, n));  // a buffer of its own
      lexer lex(prefix);
      token t;
      std::uint32_t end = 0;
      while (lex.next(t)) {
        ASSERT_GE(t.begin, end) << prefix;
        ASSERT_GT(t.end, t.begin) << prefix;
        ASSERT_LE(t.end, n) << prefix;
        end = t.end;
      }
    }
  }
}

TEST(word, is_found_in_any_case_and_at_any_length) {
  EXPECT_EQ(word_of("SeLeCt"), word::kw_select);
  EXPECT_EQ(word_of("in"), word::kw_in);
  EXPECT_EQ(word_of("characteristics"), word::kw_characteristics);
  EXPECT_EQ(word_of("PG_TRY_ADVISORY_LOCK_SHARED"), word::fn_pg_try_advisory_lock_shared);
  EXPECT_EQ(word_of("pg_current_xact_id_if_assigned"), word::fn_pg_current_xact_id_if_assigned);
  EXPECT_EQ(word_of("pg_advisory_xact_lock"), word::none);
  EXPECT_EQ(word_of("selec"), word::none);
  EXPECT_EQ(word_of("selectx"), word::none);
  EXPECT_EQ(word_of("s\xc5lect"), word::none);
  EXPECT_EQ(word_of(std::string(1000, 'a')), word::none);
#define FAIRING_SQL_CHECK(name) EXPECT_EQ(word_of(#name), word::kw_##name) << #name;
  FAIRING_SQL_KEYWORDS(FAIRING_SQL_CHECK)
#undef FAIRING_SQL_CHECK
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
