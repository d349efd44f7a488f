#include "sql/logic/settings.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace fairing::sql {

settings_table::settings_table() : none_(std::make_shared<const settings>()) { known_[{}] = none_; }

settings_ptr settings_table::intern(settings s) {
  std::sort(s.values.begin(), s.values.end());
  if (const auto at = known_.find(s.values); at != known_.end())
    if (auto kept = at->second.lock()) return kept;
  auto key = s.values;
  auto made = std::make_shared<const settings>(std::move(s));
  known_[std::move(key)] = made;
  if (known_.size() > sweep_at_) {
    std::erase_if(known_, [](const auto& each) { return each.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, 2 * known_.size());
  }
  return made;
}

std::string quote_literal(std::string_view text) {
  const bool escapes = text.find('\\') != text.npos;
  std::string out = escapes ? " E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out += '\'';
}

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += c;
    out += c;
  }
  return out += '"';
}

namespace {
// A setting's name may have a dot: "a"."b".
std::string quote_setting(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == name.npos) return quote_identifier(name);
  return quote_identifier(name.substr(0, dot)) + "." + quote_identifier(name.substr(dot + 1));
}

std::string_view value_of(const settings& s, std::string_view name) {
  for (const auto& [each, value] : s.values)
    if (iequals(each, name)) return value;
  return {};
}

// The statement is read in the encoding that the session has before it, a value was written in its client's: what is not
// ASCII is told by its bytes. In some encodings of clients a backslash or a quote may be half of a letter.
std::string value_literal(std::string_view value, const settings& to) {
  if (std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return quote_literal(value);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : value) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  const auto encoding = value_of(to, "client_encoding");
  return "pg_catalog.convert_from(pg_catalog.decode('" + hex + "','hex')," +
         (encoding.empty() ? "pg_catalog.current_setting('client_encoding')"
                           : quote_literal(encoding)) +
         ")";
}

void append_set(std::string& sql, const std::pair<std::string, std::string>& one,
                const settings& to) {
  sql += "SELECT pg_catalog.set_config(" + quote_literal(one.first) + "," +
         value_literal(one.second, to) + ",false);";
}

std::string_view role_of(const settings& s) { return value_of(s, "role"); }
}  // namespace

std::string change_query(const settings& from, const settings& to) {
  // Another role may not be allowed to change what the session's user may: it is left first and taken last.
  std::string sql;
  const auto role = role_of(to);
  const bool same_values = from == to;
  if (same_values) return sql;
  if (!role_of(from).empty()) sql += "RESET \"role\";";
  auto a = from.values.begin();
  auto b = to.values.begin();
  std::string sets;
  while (a != from.values.end() || b != to.values.end()) {
    if (a != from.values.end() && a->first == "role") {
      ++a;
    } else if (b != to.values.end() && b->first == "role") {
      ++b;
    } else if (b == to.values.end() || (a != from.values.end() && a->first < b->first)) {
      sql += "RESET " + quote_setting(a->first) + ";";
      ++a;
    } else if (a == from.values.end() || b->first < a->first) {
      append_set(sets, *b++, to);
    } else {
      if (a->second != b->second) append_set(sets, *b, to);
      ++a, ++b;
    }
  }
  if (!role.empty()) append_set(sets, {"role", std::string(role)}, to);
  return sql + sets;
}

std::string renewal_query(const settings& from, const settings& to) {
  return (role_of(from).empty() ? "RESET ALL;" : "RESET \"role\";RESET ALL;") +
         change_query({}, to);
}

std::string_view state_query() noexcept {
  return "SELECT 's', name, setting FROM pg_catalog.pg_settings WHERE source = 'session' "
         "UNION ALL SELECT 's', 'role', pg_catalog.current_setting('role') "
         "WHERE pg_catalog.current_setting('role') <> 'none' "
         "UNION ALL SELECT 't', '', pg_catalog.count(*)::text FROM pg_catalog.pg_depend "
         "WHERE refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass "
         "AND refobjid = pg_catalog.pg_my_temp_schema() "
         "UNION ALL SELECT 'h', '', pg_catalog.count(*)::text FROM pg_catalog.pg_cursors "
         "WHERE is_holdable "
         "UNION ALL SELECT 'a', '', pg_catalog.count(*)::text FROM pg_catalog.pg_locks "
         "WHERE locktype = 'advisory' AND granted AND pid = pg_catalog.pg_backend_pid() "
         "UNION ALL SELECT 'l', '', pg_catalog.count(*)::text "
         "FROM pg_catalog.pg_listening_channels() "
         "UNION ALL SELECT 'p', '', pg_catalog.count(*)::text FROM "
         "pg_catalog.pg_prepared_statements "
         "WHERE pg_catalog.left(name, 8) <> 'fairing_' "
         "UNION ALL SELECT 'u', '', session_user::text";
}

std::string state_query_with(const std::vector<std::string>& custom) {
  std::string names;
  for (const auto& name : custom) names += (names.empty() ? "" : ",") + quote_literal(name);
  // An extension may have defined some: those are listed, in whatever case.
  return std::string(state_query()) +
         " UNION ALL SELECT 'c', n, pg_catalog.current_setting(n, true) "
         "FROM pg_catalog.unnest(ARRAY[" +
         names +
         "]::text[]) n WHERE pg_catalog.current_setting(n, true) IS NOT NULL AND NOT EXISTS "
         "(SELECT 1 FROM pg_catalog.pg_settings g WHERE pg_catalog.lower(g.name) = n)";
}

}  // namespace fairing::sql
