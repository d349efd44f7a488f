#include "sql/logic/session_functions.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "codec/sql_lexer/name.hpp"
#include "sql/logic/custom_settings.hpp"
#include "sql/logic/settings.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::token_kind;

namespace {

constexpr seconds every{60};
constexpr seconds again{600};  // where it cannot be known
constexpr std::size_t longest_name = 256;
constexpr std::size_t most_settings = 32;  // of one text

// No backslash in any of it, as that is read by the session's standard_conforming_strings. The client's settings stand
// aside while it runs.
constexpr std::string_view aside =
    "SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = '5s'; SET LOCAL jit = off; ";

// What it was found in: as long as that is the same, so are the names, and the rest has nothing to read.
constexpr std::string_view version_of_now =
    "WITH RECURSIVE now AS (SELECT pg_catalog.string_agg(c || '.' || coalesce(x, 0) || '.' || "
    "coalesce(o, 0), ',') AS version FROM ("
    "SELECT count(*) c, sum(xmin::text::int8) x, sum(oid::int8) o FROM pg_proc "
    "WHERE oid >= 16384 "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_trigger "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_rewrite "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_policy "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_attrdef "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_constraint "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(inhrelid::int8) FROM pg_inherits "
    "UNION ALL SELECT count(*), sum(xmin::text::int8), sum(oid::int8) FROM pg_class "
    "WHERE relhastriggers OR relkind = 'v') v), ";

// Sources, without what lasts for a transaction alone. A body of SQL's own kind has no source: it stands in the
// definition, beside settings that last for a call.
constexpr std::string_view sources =
    "f AS (SELECT p.oid, lower(p.proname::text COLLATE \"C\") AS name, "
    "regexp_replace(CASE WHEN p.prosrc = '' THEN "
    "regexp_replace(pg_get_functiondef(p.oid), '\n SET [^\n]*', '', 'g') ELSE p.prosrc END, "
    "'set_config[[:space:]]*[(][^()]*,[[:space:]]*true[[:space:]]*[)]', '', 'gi') "
    "COLLATE \"C\" AS src FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang "
    "WHERE l.lanname NOT IN ('c', 'internal') AND p.pronamespace NOT IN "
    "('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND NOT EXISTS (SELECT 1 "
    "FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid "
    "AND d.deptype = 'e') ";

// SET and its like only where a statement can begin, also one in quotes: the SET of an UPDATE is no matter.
constexpr std::string_view changing =
    "changes AS (SELECT name, src FROM f WHERE src ~* ("
    "'set_config|pg_(try_)?advisory_(un)?lock|[[:<:]]pg_temp|dblink_connect|"
    "[[:<:]]with[[:space:]]+hold[[:>:]]|"
    "[[:<:]](create|into|local|global|replace)[[:space:]]+temp(orary)?[[:>:]]|"
    "[[:<:]]update[[:space:]]+(pg_catalog[.])?pg_settings[[:>:]]|"
    "(^|[;$]|>>|[*]/|--[^\n]*\n|[[:<:]](begin|then|else|loop|atomic)[[:>:]]|"
    "([(,=+|[:space:]]|[[:<:]]e|execute)[\"''])[[:space:]]*"
    "(set|reset|listen|unlisten|prepare|deallocate|load)[[:space:]]+"
    "(?![[:space:]]|local[[:>:]]|constraints[[:>:]]|transaction[[:>:]])')), ";

// Who is one by whom: a function by what it calls or writes to, a table by its triggers, defaults, constraints, policies
// and rules, a view by what stands in it, a table by those that it is split into and that refer to it.
constexpr std::string_view calls =
    "edge AS (SELECT 'f' || f.name AS src, 'f' || g.name AS dst FROM f, regexp_matches(f.src, "
    "'([[:alpha:]_][[:alnum:]_$]*)\"?[[:space:]]*[(]', 'g') m "
    "JOIN (SELECT DISTINCT name FROM f) g ON g.name = lower(m[1]) "
    "UNION SELECT 'f' || f.name, 'w' || lower(m[1]) FROM f, regexp_matches(f.src, "
    "'[[:<:]](?:(?:insert|merge)[[:space:]]+into|update|delete[[:space:]]+from|truncate|table|"
    "copy|only)[[:space:]]+(?:only[[:space:]]+)?"
    "(?:\"?[[:alnum:]_$]+\"?[[:space:]]*[.][[:space:]]*)?\"?([[:alnum:]_$]+)', 'gi') m "
    "UNION SELECT 'w' || lower(c.relname::text COLLATE \"C\"), 'f' || f.name FROM pg_trigger t "
    "JOIN f ON f.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgenabled <> 'D' "
    "UNION SELECT k || lower(c.relname::text COLLATE \"C\"), 'f' || f.name FROM pg_depend d "
    "JOIN f ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid JOIN ("
    "SELECT 'pg_rewrite'::regclass AS class, oid, ev_class AS rel, 'rw' AS kinds FROM pg_rewrite "
    "UNION ALL SELECT 'pg_policy'::regclass, oid, polrelid, 'rw' FROM pg_policy "
    "UNION ALL SELECT 'pg_attrdef'::regclass, oid, adrelid, 'w' FROM pg_attrdef "
    "UNION ALL SELECT 'pg_constraint'::regclass, oid, conrelid, 'w' FROM pg_constraint) o "
    "ON d.classid = o.class AND d.objid = o.oid JOIN pg_class c ON c.oid = o.rel, "
    "unnest(string_to_array(o.kinds, NULL)) k "
    "UNION SELECT k || lower(v.relname::text COLLATE \"C\"), "
    "k || lower(c.relname::text COLLATE \"C\") FROM pg_rewrite r JOIN pg_depend d "
    "ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid "
    "AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class "
    "JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid, "
    "(VALUES ('r'), ('w')) ks(k) WHERE r.ev_class >= 16384 "
    "UNION SELECT 'w' || lower(a.relname::text COLLATE \"C\"), "
    "'w' || lower(b.relname::text COLLATE \"C\") FROM ("
    "SELECT inhparent AS a, inhrelid AS b FROM pg_inherits "
    "UNION ALL SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f') x "
    "JOIN pg_class a ON a.oid = x.a JOIN pg_class b ON b.oid = x.b), ";

constexpr std::string_view closure =
    "hit AS (SELECT ('f' || name) COLLATE \"C\" AS node, '' COLLATE \"C\" AS setting FROM changes "
    "UNION SELECT 'f' || c.name, lower(coalesce(m[1], m[2])) FROM changes c, "
    "regexp_matches(c.src, 'set_config[[:space:]]*[(][[:space:]]*E?''+"
    "([[:alnum:]_$]+[.][[:alnum:]_$.]+)''|[[:<:]]set[[:space:]]+(?:session[[:space:]]+)?"
    "([[:alpha:]_][[:alnum:]_$]*[.][[:alnum:]_$.]+)[[:space:]]*(?:=|to[[:>:]])', 'gi') m "
    "UNION SELECT e.src, h.setting FROM edge e JOIN hit h ON e.dst = h.node) ";

std::string last_part(std::string_view name) {
  auto whole = lex::canonical_name(name);
  if (const auto dot = whole.rfind('.'); dot != whole.npos) whole.erase(0, dot + 1);
  return to_lower(whole);
}

bool is_name(token_kind k) noexcept {
  return k == token_kind::identifier || k == token_kind::quoted_identifier ||
         k == token_kind::unicode_identifier;
}

}  // namespace

void functions_answer::add(std::string_view node, std::string_view setting) {
  if (node.starts_with('v'))
    version = node.substr(1);
  else if (node.size() <= longest_name)
    found.emplace_back(node, setting);
}

void session_functions::asking(mono_time now) noexcept { next_ = now + every; }

bool session_functions::asked_within(milliseconds time, mono_time now) const noexcept {
  return next_ != mono_time::min() && now - (next_ - every) < time;
}

std::string session_functions::question() const {
  std::string out(aside);
  out += version_of_now;
  // The others hang on this one: where it is empty they have nothing to do.
  out += sources;
  out += "AND (SELECT version FROM now) IS DISTINCT FROM " + quote_literal(version_) + "), ";
  for (const auto part : {changing, calls, closure}) out += part;
  return out +
         "SELECT 'v' || version, '' FROM now UNION ALL (SELECT node, setting FROM hit LIMIT " +
         std::to_string(most + 1) + ")";
}

bool session_functions::tell(functions_answer a) {
  asked_ = true;
  if (!version_.empty() && a.version == version_) return false;
  version_ = std::move(a.version);
  nodes told;
  if (a.found.size() > most) {
    fault_ = "more than " + std::to_string(most) + " functions and tables change sessions";
    a.found.clear();
  }
  for (auto& [node, setting] : a.found) {
    auto& settings = told[std::move(node)];
    if (auto custom = custom_name(setting); !custom.empty()) settings.push_back(std::move(custom));
  }
  for (auto& [node, settings] : told) std::sort(settings.begin(), settings.end());
  if (told == known_) return false;
  known_ = std::move(told);
  return true;
}

void session_functions::failed(std::string_view why, mono_time now) {
  asked_ = true;
  next_ = now + again;
  fault_ = why;
}

void session_functions::forget() noexcept {
  asked_ = false;
  version_.clear();
  expire();
}

bool session_functions::add(char kind, std::string_view name,
                            std::optional<settings_of>& out) const {
  std::string key(1, kind);
  key += name;
  const auto at = known_.find(key);
  if (at == known_.end()) return false;
  if (!out) out.emplace();
  for (const auto& each : at->second)
    if (out->size() < most_settings && std::ranges::find(*out, each) == out->end())
      out->push_back(each);
  return true;
}

void session_functions::add_calls(std::string_view text, std::optional<settings_of>& out) const {
  lex::lexer lexer(text);
  lex::token t;
  lex::token before;
  while (lexer.next(t)) {
    if (t.kind == token_kind::comment) continue;
    if (t.is('(') && is_name(before.kind))
      static_cast<void>(add('f', last_part(before.of(text)), out));
    before = t;
  }
}

void session_functions::add_tables(std::string_view text, const lex::relation_scanner& r,
                                   std::optional<settings_of>& out) const {
  for (const auto& each : r.relations()) {
    static_cast<void>(add(each.written ? 'w' : 'r', last_part(each.name.of(text)), out));
  }
}

std::optional<std::vector<std::string>> session_functions::called_by(std::string_view text,
                                                                     const lex::analyzer& a) const {
  std::optional<settings_of> out;
  if (known_.empty()) return out;
  add_tables(text, a.relations(), out);
  add_calls(text, out);
  return out;
}

bool changes_functions(std::string_view text) {
  constexpr std::array<std::string_view, 9> words{"function", "procedure", "routine",
                                                  "trigger",  "rule",      "view",
                                                  "policy",   "extension", "schema"};
  const auto lower = to_lower(text);
  return std::ranges::any_of(words, [&](auto each) { return lower.find(each) != lower.npos; });
}

}  // namespace fairing::sql
