#include "advise/indexes/sql_tree.hpp"

#include <fmt/format.h>

extern "C" {
#include <pg_query.h>
}

namespace fairing::advise::indexes {

namespace {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "advise.indexes"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::not_sql:
        return "the parser refuses the text";
      case errc::not_one:
        return "not exactly one statement";
      case errc::too_large:
        return "the statement is too long";
      case errc::not_a_statement:
        return "not a SELECT, INSERT, UPDATE or DELETE";
    }
    return "unknown";
  }
};

struct parsed {
  explicit parsed(const std::string& text) : raw(pg_query_parse(text.c_str())) {}
  ~parsed() { pg_query_free_parse_result(raw); }
  parsed(const parsed&) = delete;
  parsed& operator=(const parsed&) = delete;
  PgQueryParseResult raw;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\f\v;";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

// Without white space, and without the comments in front.
std::string_view stripped(std::string_view text) {
  for (text = trimmed(text);; text = trimmed(text)) {
    std::size_t end = 0;
    if (text.starts_with("--"))
      end = text.find('\n');
    else if (text.starts_with("/*"))
      end = text.find("*/");
    else
      return text;
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + (text[0] == '/' ? 2 : 1));
  }
}

}  // namespace

std::error_code make_error_code(errc e) noexcept {
  static const category the_category;
  return {static_cast<int>(e), the_category};
}

result<nlohmann::json> parse_sql(std::string_view text) {
  if (text.size() > max_statement_bytes)
    return fail(errc::too_large, fmt::format("a statement of {} bytes; at most {} are looked at",
                                             text.size(), max_statement_bytes));
  if (text.find('\0') != std::string_view::npos)
    return fail(errc::not_sql, "the text has a zero byte");
  const parsed p{std::string(text)};
  if (p.raw.error != nullptr)
    return fail(errc::not_sql,
                fmt::format("{} (at byte {})", p.raw.error->message, p.raw.error->cursorpos));
  const auto tree = nlohmann::json::parse(p.raw.parse_tree, nullptr, false);
  const auto statements = tree.is_object() ? tree.find("stmts") : tree.end();
  if (!tree.is_object() || statements == tree.end() || !statements->is_array() ||
      statements->size() != 1)
    return fail(errc::not_one, "the text is not exactly one statement");
  const auto& only = statements->front();
  const auto node = only.find("stmt");
  if (node == only.end()) return fail(errc::not_one);
  for (const auto* kind : {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"})
    if (node->contains(kind)) return *node;
  return fail(errc::not_a_statement);
}

std::vector<std::string> split_sql(std::string_view text) {
  std::vector<std::string> out;
  const std::string copy(text);
  const auto r = pg_query_split_with_scanner(copy.c_str());
  const std::string_view all(copy);
  std::size_t behind = 0;
  const auto add = [&](std::string_view part) {
    part = stripped(part);
    if (!part.empty() && out.size() < max_split) out.emplace_back(part);
  };
  for (int i = 0; r.error == nullptr && i < r.n_stmts; ++i) {
    const auto begin = static_cast<std::size_t>(r.stmts[i]->stmt_location);
    // What has no keyword in it is passed over there; here it is told as an error later.
    add(all.substr(behind, begin - behind));
    add(all.substr(begin, static_cast<std::size_t>(r.stmts[i]->stmt_len)));
    behind = begin + static_cast<std::size_t>(r.stmts[i]->stmt_len);
  }
  add(all.substr(behind));
  pg_query_free_split_result(r);
  return out;
}

}  // namespace fairing::advise::indexes
