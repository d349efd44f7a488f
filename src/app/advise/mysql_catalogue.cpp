#include "app/advise/mysql_catalogue.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <map>

namespace fairing::app::advise {

namespace {

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

// One database, or all that are no system's.
std::string ours(const char* column, const std::string& database) {
  if (!database.empty()) return fmt::format("{} = DATABASE()", column);
  return fmt::format("{} NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')",
                     column);
}

bool indexable(const std::string& type) {
  // text and blob need a length in an index; it is not for us to choose.
  for (const auto* part : {"text", "blob", "json", "geometry", "point", "polygon", "linestring"})
    if (type.find(part) != std::string::npos) return false;
  return true;
}

using names = std::map<std::string, std::size_t>;

void take_columns(const mysql_connection::rows& rows, const names& tables,
                  indexes::catalogue& out) {
  for (const auto& r : rows) {
    const auto at = tables.find(r[0] + "." + r[1]);
    if (at == tables.end()) continue;
    indexes::column c;
    c.number = static_cast<int>(number(r[2]));
    c.name = r[3];
    c.type = r[4];
    c.not_null = r[5] == "NO";
    c.indexable = indexable(r[4]);
    out.tables[at->second].columns.push_back(std::move(c));
  }
}

// One row a key part, in order.
void take_indexes(const mysql_connection::rows& rows, const names& tables,
                  indexes::catalogue& out) {
  for (const auto& r : rows) {
    const auto at = tables.find(r[0] + "." + r[1]);
    if (at == tables.end()) continue;
    auto& t = out.tables[at->second];
    if (out.indexes.empty() || out.indexes.back().table != t.id ||
        out.indexes.back().name != r[2]) {
      indexes::index i;
      i.schema = r[0];
      i.name = r[2];
      i.table = t.id;
      i.unique = r[5] == "0";
      i.primary = r[2] == "PRIMARY";
      i.constraint = i.primary;
      i.method = r[7] == "BTREE" ? "btree" : r[7];
      i.usage_known = false;
      out.indexes.push_back(std::move(i));
    }
    auto& i = out.indexes.back();
    auto* c = const_cast<indexes::column*>(t.find(r[4]));
    i.keys.push_back(c == nullptr ? 0 : c->number);
    i.key_kind.push_back(r[6] + " " + r[8]);
    // Cardinality of the first key is that of the column.
    if (c != nullptr && i.keys.size() == 1) c->n_distinct = number(r[9]);
  }
}

// How often each index was read, if the server counts that.
void take_usage(mysql_connection& from, const std::string& database, indexes::catalogue& out) {
  const auto rows = from.query(
      "SELECT object_schema, object_name, index_name, count_star FROM "
      "performance_schema.table_io_waits_summary_by_index_usage WHERE index_name IS NOT NULL AND " +
      ours("object_schema", database));
  const auto on = from.query("SELECT @@performance_schema, VARIABLE_VALUE / 86400 FROM " +
                             std::string(from.kind() == indexes::dialect::mariadb
                                             ? "information_schema.GLOBAL_STATUS"
                                             : "performance_schema.global_status") +
                             " WHERE VARIABLE_NAME = 'UPTIME'");
  if (!rows || !on || on->size() != 1 || (*on)[0][0] != "1") return;
  out.usage_days = number((*on)[0][1]);
  for (const auto& r : *rows)
    for (auto& i : out.indexes)
      if (i.schema == r[0] && i.name == r[2] && out.find_table(i.table)->name == r[1]) {
        i.usage_known = true;
        i.scans = static_cast<std::uint64_t>(number(r[3]));
      }
}

void take_tables(const mysql_connection::rows& rows, const std::string& database,
                 indexes::catalogue& out, names& by_name) {
  for (const auto& r : rows) {
    indexes::table t;
    t.id = static_cast<std::uint32_t>(out.tables.size() + 1);
    t.schema = r[0];
    t.name = r[1];
    t.rows = number(r[2]);
    t.bytes = static_cast<std::uint64_t>(number(r[3]));
    t.visible = r[0] == database;
    by_name[t.full_name()] = out.tables.size();
    out.tables.push_back(std::move(t));
  }
}

}  // namespace

result<indexes::catalogue> read_mysql_catalogue(mysql_connection& from) {
  const auto current = from.query("SELECT DATABASE()");
  if (!current) return std::unexpected(current.error());
  const auto database = current->empty() ? std::string() : current->front()[0];
  indexes::catalogue out;
  out.kind = from.kind();
  const auto tables = from.query(
      "SELECT table_schema, table_name, coalesce(table_rows, -1), coalesce(data_length, 0) FROM "
      "information_schema.tables WHERE table_type = 'BASE TABLE' AND " +
      ours("table_schema", database) + " ORDER BY 1, 2");
  if (!tables) return std::unexpected(tables.error());
  names by_name;
  take_tables(*tables, database, out, by_name);
  const auto columns = from.query(
      "SELECT table_schema, table_name, ordinal_position, column_name, data_type, is_nullable FROM "
      "information_schema.columns WHERE " +
      ours("table_schema", database) + " ORDER BY 1, 2, 3");
  if (!columns) return std::unexpected(columns.error());
  take_columns(*columns, by_name, out);
  const auto all = from.query(
      "SELECT table_schema, table_name, index_name, seq_in_index, coalesce(column_name, ''), "
      "non_unique, coalesce(sub_part, ''), index_type, coalesce(collation, ''), "
      "coalesce(cardinality, 0) FROM information_schema.statistics WHERE " +
      ours("table_schema", database) + " ORDER BY 1, 2, 3, 4");
  if (!all) return std::unexpected(all.error());
  take_indexes(*all, by_name, out);
  // Only now: the structs moved while they were read.
  out.index_names();
  take_usage(from, database, out);
  return out;
}

result<workload> read_mysql_workload(mysql_connection& from, std::size_t most) {
  workload out;
  const auto on = from.query("SELECT @@performance_schema");
  if (!on) return std::unexpected(on.error());
  if (on->empty() || on->front()[0] != "1") {
    out.missing =
        "performance_schema is off: set performance_schema = ON in the server's [mysqld] section "
        "and restart it; or give the statements with --file F.sql";
    return out;
  }
  const bool samples = from.kind() == indexes::dialect::mysql;  // MySQL 8 keeps one with its values
  const auto rows = from.query(fmt::format(
      "SELECT {}, COUNT_STAR, SUM_TIMER_WAIT / 1e9, DIGEST_TEXT FROM "
      "performance_schema.events_statements_summary_by_digest WHERE (DATABASE() IS NULL OR "
      "SCHEMA_NAME = DATABASE()) AND DIGEST_TEXT REGEXP '^ *(SELECT|UPDATE|DELETE|INSERT|WITH) ' "
      "ORDER BY SUM_TIMER_WAIT DESC LIMIT {}",
      samples ? "QUERY_SAMPLE_TEXT" : "DIGEST_TEXT", most));
  if (!rows) {
    out.missing = "performance_schema cannot be read: " + rows.error().message();
    return out;
  }
  for (const auto& r : *rows)
    // A sample that was cut off ends in dots; the digest is whole.
    out.statements.push_back(
        {r[0].empty() || r[0].ends_with("...") ? r[3] : r[0], number(r[1]), number(r[2])});
  if (out.statements.empty())
    out.missing =
        "performance_schema has no statement of this database yet; are the statements_digest "
        "consumer and the statement instruments on? Or give the statements with --file F.sql";
  return out;
}

}  // namespace fairing::app::advise
