#include "app/advise/postgres_catalogue.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace fairing::app::advise {

namespace {

// Tables of the application: not of the system, of an extension or of the jobs plane's store, whose schema is
// `fairing` (jobs/store/postgres/schema.cpp).
constexpr const char* tables_sql = R"(
SELECT c.oid, n.nspname, c.relname, c.reltuples, pg_table_size(c.oid),
       coalesce(s.n_tup_ins + s.n_tup_upd, 0), pg_table_is_visible(c.oid), c.relispartition
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('information_schema', 'fairing') AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
 ORDER BY c.oid LIMIT 5000)";

constexpr const char* columns_sql = R"(
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       t.typcategory NOT IN ('A', 'G', 'P', 'X') AND t.typname NOT IN
         ('json', 'jsonb', 'xml', 'tsvector', 'tsquery', 'bytea'),
       coalesce(s.n_distinct, 0), coalesce(s.null_frac, 0),
       CASE WHEN t.typname = 'bool' OR s.n_distinct BETWEEN 1 AND 50
            THEN to_json(s.most_common_vals::text::text[]) END,
       CASE WHEN t.typname = 'bool' OR s.n_distinct BETWEEN 1 AND 50
            THEN to_json(s.most_common_freqs) END
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
       AND s.attname = a.attname AND s.inherited = (c.relkind = 'p')
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname NOT IN ('information_schema', 'fairing') AND n.nspname !~ '^pg_'
 ORDER BY a.attrelid, a.attnum)";

constexpr const char* indexes_sql = R"(
SELECT i.indrelid, n.nspname, c.relname, m.amname, i.indkey::text, i.indnkeyatts,
       i.indclass::text, i.indcollation::text, i.indoption::text,
       coalesce(pg_get_expr(i.indexprs, i.indrelid), ''),
       coalesce(pg_get_expr(i.indpred, i.indrelid), ''), pg_get_indexdef(i.indexrelid),
       i.indisunique, i.indisprimary, i.indisvalid AND i.indisready AND i.indislive OR c.relkind = 'I',
       i.indisreplident OR i.indisexclusion OR c.relispartition OR EXISTS (
         SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid),
       EXISTS (SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p
                WHERE p.index_relid = i.indexrelid),
       c.relkind = 'i', coalesce(s.idx_scan, 0),
       CASE WHEN c.relkind = 'i' THEN pg_relation_size(i.indexrelid) ELSE 0 END
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
  LEFT JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
 WHERE n.nspname NOT IN ('information_schema', 'fairing') AND n.nspname !~ '^pg_'
 ORDER BY c.relname, i.indexrelid)";

constexpr const char* foreign_keys_sql = R"(
SELECT conname, conrelid, array_to_string(conkey, ' '), confrelid
  FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY conname)";

constexpr const char* usage_sql = R"(
SELECT extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time())) / 86400,
       pg_is_in_recovery() OR EXISTS (SELECT 1 FROM pg_catalog.pg_stat_replication)
  FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database())";

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

int integer(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint32_t oid(const postgres_rows& r, int row, int column) {
  return static_cast<std::uint32_t>(r.number(row, column));
}

std::uint64_t count(const postgres_rows& r, int row, int column) {
  return static_cast<std::uint64_t>(std::max(r.number(row, column), 0.0));
}

void take_tables(const postgres_rows& r, indexes::catalogue& out) {
  for (int i = 0; i < r.size(); ++i) {
    indexes::table t;
    t.id = oid(r, i, 0);
    t.schema = r.text(i, 1);
    t.name = r.text(i, 2);
    t.rows = r.number(i, 3);
    t.bytes = count(r, i, 4);
    t.writes = count(r, i, 5);
    t.visible = r.yes(i, 6);
    t.partition = r.yes(i, 7);
    out.tables.push_back(std::move(t));
  }
}

void take_columns(const postgres_rows& r, indexes::catalogue& out) {
  std::size_t at = 0;  // both are sorted by the table
  for (int i = 0; i < r.size(); ++i) {
    const auto table = oid(r, i, 0);
    while (at < out.tables.size() && out.tables[at].id < table) ++at;
    if (at == out.tables.size()) break;
    if (out.tables[at].id != table) continue;
    indexes::column c;
    c.number = static_cast<int>(r.number(i, 1));
    c.name = r.text(i, 2);
    c.type = r.text(i, 3);
    c.not_null = r.yes(i, 4);
    c.indexable = r.yes(i, 5);
    c.n_distinct = r.number(i, 6);
    c.null_share = r.number(i, 7);
    const auto values = nlohmann::json::parse(r.text(i, 8), nullptr, false);
    const auto shares = nlohmann::json::parse(r.text(i, 9), nullptr, false);
    if (values.is_array() && shares.is_array() && values.size() == shares.size())
      for (std::size_t k = 0; k < values.size(); ++k)
        if (values[k].is_string() && shares[k].is_number())
          c.common[values[k].get<std::string>()] = shares[k].get<double>();
    out.tables[at].columns.push_back(std::move(c));
  }
}

void take_indexes(const postgres_rows& r, indexes::catalogue& out) {
  for (int i = 0; i < r.size(); ++i) {
    indexes::index x;
    x.table = oid(r, i, 0);
    if (out.find_table(x.table) == nullptr) continue;
    x.schema = r.text(i, 1);
    x.name = r.text(i, 2);
    x.method = r.text(i, 3);
    const auto keys = words(r.text(i, 4));
    const auto key_count = static_cast<std::size_t>(r.number(i, 5));
    const auto classes = words(r.text(i, 6));
    const auto collations = words(r.text(i, 7));
    const auto options = words(r.text(i, 8));
    const auto nth = [](const std::vector<std::string>& list, std::size_t n) {
      return n < list.size() ? list[n] : std::string();
    };
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (k >= key_count) {
        x.included.push_back(integer(keys[k]));
        continue;
      }
      x.keys.push_back(integer(keys[k]));
      x.key_kind.push_back(nth(classes, k) + " " + nth(collations, k) + " " + nth(options, k));
    }
    x.expressions = r.text(i, 9);
    x.predicate = r.text(i, 10);
    x.definition = r.text(i, 11);
    x.unique = r.yes(i, 12);
    x.primary = r.yes(i, 13);
    x.valid = r.yes(i, 14);
    x.constraint = r.yes(i, 15);
    x.building = r.yes(i, 16);
    x.usage_known = r.yes(i, 17);
    x.scans = count(r, i, 18);
    x.bytes = count(r, i, 19);
    out.indexes.push_back(std::move(x));
  }
}

void take_foreign_keys(const postgres_rows& r, indexes::catalogue& out) {
  for (int i = 0; i < r.size(); ++i) {
    indexes::foreign_key fk{r.text(i, 0), oid(r, i, 1), {}, oid(r, i, 3)};
    if (out.find_table(fk.table) == nullptr) continue;
    for (const auto& word : words(r.text(i, 2))) fk.columns.push_back(integer(word));
    out.foreign_keys.push_back(std::move(fk));
  }
}

std::string how_to_enable(postgres_connection& from) {
  const auto offered = from.query(
      "SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'pg_stat_statements'");
  std::string out = "pg_stat_statements is not in this database";
  if (offered && offered->size() == 0) return out + ", nor does the server have it installed";
  return out +
         ": add it to shared_preload_libraries in postgresql.conf, restart the server, then CREATE "
         "EXTENSION pg_stat_statements; or give the statements with --file F.sql";
}

}  // namespace

result<indexes::catalogue> read_catalogue(postgres_connection& from) {
  indexes::catalogue out;
  const auto tables = from.query(tables_sql);
  if (!tables) return std::unexpected(tables.error());
  take_tables(*tables, out);
  const auto columns = from.query(columns_sql);
  if (!columns) return std::unexpected(columns.error());
  take_columns(*columns, out);
  out.index_names();
  const auto all = from.query(indexes_sql);
  if (!all) return std::unexpected(all.error());
  take_indexes(*all, out);
  const auto keys = from.query(foreign_keys_sql);
  if (!keys) return std::unexpected(keys.error());
  take_foreign_keys(*keys, out);
  const auto usage = from.query(usage_sql);
  if (!usage) return std::unexpected(usage.error());
  if (usage->size() == 1) {
    out.usage_days = usage->number(0, 0);
    out.has_replicas = usage->yes(0, 1);
  }
  return out;
}

// Statements on the store's tables are left out: there are many, and nothing is advised on them.
result<workload> read_workload(postgres_connection& from, std::size_t most) {
  const auto there = from.query(
      "SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
      "ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'");
  if (!there) return std::unexpected(there.error());
  workload out;
  if (there->size() == 0) {
    out.missing = how_to_enable(from);
    return out;
  }
  const auto rows = from.query(fmt::format(
      "SELECT s.query, sum(s.calls), sum(s.{0}) FROM {1}.pg_stat_statements s "
      "WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) "
      "AND s.query ~* '^\\s*(/\\*.*\\*/\\s*)*(select|insert|update|delete|with)\\M' "
      "AND s.query !~* '\\m(from|join|into|update)\\s+\"?fairing\"?\\.' "
      "GROUP BY s.query ORDER BY 3 DESC LIMIT {2}",
      from.version() >= 130000 ? "total_exec_time" : "total_time", there->text(0, 0), most));
  if (!rows) {
    out.missing = "pg_stat_statements cannot be read: " + rows.error().message();
    return out;
  }
  for (int i = 0; i < rows->size(); ++i)
    out.statements.push_back({rows->text(i, 0), rows->number(i, 1), rows->number(i, 2)});
  if (out.statements.empty())
    out.missing = "pg_stat_statements has no statement of this database yet";
  return out;
}

}  // namespace fairing::app::advise
