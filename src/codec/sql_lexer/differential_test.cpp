// The same tokens as PostgreSQL 15's own scanner, as libpg_query packages it: compiled where its
// header is installed (libpg-query-dev), loaded at run time so that nothing else needs it.
#if __has_include(<pg_query.h>)
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pg_query.h>

#include <string>
#include <vector>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/statement_corpus.hpp"

namespace fairing::codec::sql_lexer {
namespace {

struct range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool unicode = false;
};

// The few bits of protobuf that a ScanResult needs: field 2 is a token, in it 1 and 2 are its ends.
class wire {
 public:
  explicit wire(std::string_view bytes) : bytes_(bytes) {}
  bool next() {
    if (at_ >= bytes_.size()) return false;
    const auto key = number();
    field_ = key >> 3;
    value_ = number();
    body_ = {};
    if ((key & 7) == 2) {
      body_ = bytes_.substr(at_, value_);
      at_ += value_;
    }
    return true;
  }
  std::uint64_t field_ = 0;
  std::uint64_t value_ = 0;
  std::string_view body_;

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

class differential : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = ::dlopen("libpg_query.so", RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << ::dlerror() << ": install libpg-query-dev";
    scan_ = reinterpret_cast<decltype(&pg_query_scan)>(::dlsym(library_, "pg_query_scan"));
    free_ = reinterpret_cast<decltype(&pg_query_free_scan_result)>(
        ::dlsym(library_, "pg_query_free_scan_result"));
    ASSERT_TRUE(scan_ != nullptr && free_ != nullptr);
  }

  // False if the scanner refuses the text.
  bool theirs(const std::string& text, std::vector<range>& out) {
    out.clear();
    auto result = scan_(text.c_str());
    const bool ok = result.error == nullptr;
    wire tokens({result.pbuf.data, ok ? result.pbuf.len : 0});
    while (ok && tokens.next()) {
      if (tokens.field_ != 2) continue;
      wire fields(tokens.body_);
      range r;
      while (fields.next()) {
        if (fields.field_ == 1) r.begin = fields.value_;
        if (fields.field_ == 2) r.end = fields.value_;
      }
      out.push_back(r);
    }
    free_(result);
    return ok;
  }

  // libpg_query took comments out of the white space of scan.l to report them, and with that out of
  // the gap between the parts of a string, where PostgreSQL allows them.
  static bool joined_over_comment(const std::string& text, const std::vector<range>& tokens) {
    for (const auto& t : tokens) {
      const auto bytes = std::string_view(text).substr(t.begin, t.end - t.begin);
      if (bytes.back() == '\'' && bytes.find("--") != std::string_view::npos &&
          bytes.find('\n') != std::string_view::npos)
        return true;
    }
    return false;
  }

  static bool ours(const std::string& text, std::vector<range>& out) {
    out.clear();
    lexer lex(text);
    token t;
    while (lex.next(t)) {
      if (t.kind == token_kind::error) return false;
      out.push_back(
          {t.begin, t.end,
           t.kind == token_kind::unicode_string || t.kind == token_kind::unicode_identifier});
    }
    return true;
  }

  void compare(const std::string& text) {
    std::vector<range> a;
    std::vector<range> b;
    const bool their_word = theirs(text, a);
    const bool our_word = ours(text, b);
    // Values of escapes (\xff, \ud800, U&'\zzzz') are refused there and are not looked at here.
    if (our_word && !their_word && text.find('\\') != std::string::npos) return;
    if (!our_word && text.find("--") != std::string::npos && text.find('\n') != std::string::npos)
      return;  // the same, with a last part that does not end
    ASSERT_EQ(our_word, their_word) << text;
    if (!our_word || joined_over_comment(text, b)) return;
    ASSERT_EQ(b.size(), a.size()) << text;
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(b[i].begin, a[i].begin) << text << "\ntoken " << i;
      // libpg_query gives no end for U& tokens; the next token's begin still holds us to it.
      if (!b[i].unicode) ASSERT_EQ(b[i].end, a[i].end) << text << "\ntoken " << i;
    }
  }

  void* library_ = nullptr;
  decltype(&pg_query_scan) scan_ = nullptr;
  decltype(&pg_query_free_scan_result) free_ = nullptr;
};

TEST_F(differential, corpus) {
  for (const auto sql : statement_corpus) compare(std::string(sql));
}

TEST_F(differential, every_prefix_of_the_corpus) {
  for (const auto sql : statement_corpus)
    for (std::size_t n = 0; n < sql.size(); ++n) compare(std::string(sql.substr(0, n)));
}

TEST_F(differential, bytes_that_matter_in_any_order) {
  constexpr std::string_view pieces[] = {
      "'",  "''",  "\"",   "\\", "$",  "$$", "$a$", "$1",    "a",  "e", "E'", "b'", "x'",
      "n'", "u&'", "U&\"", "1",  "1.", ".5", "..",  "e5",    "e+", "+", "-",  "--", "/*",
      "*/", "*",   "/",    "@",  "|",  "<",  ">",   "=",     "!",  ":", "::", ":=", ",",
      "(",  ")",   "[",    ";",  " ",  "\n", "\t",  "--c\n", "?",  "_"};
  std::uint64_t state = 0x9e3779b97f4a7c15ULL;
  for (int round = 0; round < 60000; ++round) {
    std::string text;
    for (int n = 0; n < 9; ++n) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += pieces[(state >> 33) % std::size(pieces)];
    }
    compare(text);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
#endif
