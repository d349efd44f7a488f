// catalogue: what a database says of its tables and indexes, as plain values.
//
// Problem: advice needs columns, keys and statistics, whichever server they come from, and must be
// testable without one. A reader (app/advise) fills these structs; all else here only looks at them.
//
// Flow:  catalogue c; c.tables = ..; c.indexes = ..; c.index_names();
//        if (const auto* t = c.find_table("", "orders")) ... c.covers(*t, {2, 5})
// A column is named by its number in its table (attnum, from 1); 0 stands for an expression.
// Threads: plain values. Cost: built once a run; names are found in a map.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::advise::indexes {

enum class dialect : std::uint8_t {
  postgres,  // PostgreSQL
  mysql,     // MySQL
  mariadb,   // MariaDB
};

struct column {
  int number = 0;
  std::string name;
  std::string type;  // as the server writes it: integer, timestamp without time zone
  bool not_null = false;
  bool indexable = true;                 // its type has an ordering
  double n_distinct = 0;                 // pg_stats: > 0 count, < 0 share of rows; 0 unknown
  double null_share = 0;                 // 0 to 1
  double top_share = 0;                  // of its most common value; 0 unknown
  std::map<std::string, double> common;  // most common values and their shares
};

struct table {
  std::uint32_t id = 0;
  std::string schema;
  std::string name;
  double rows = -1;  // -1: never analysed
  std::uint64_t bytes = 0;
  std::uint64_t writes = 0;  // rows inserted and updated since the statistics began
  bool visible = true;       // found without its schema
  bool partition = false;    // of another table
  std::vector<column> columns;

  [[nodiscard]] const column* find(std::string_view column_name) const noexcept;
  [[nodiscard]] const column* find(int number) const noexcept;
  [[nodiscard]] std::string full_name() const { return schema + "." + name; }
};

struct index {
  std::string schema;
  std::string name;
  std::uint32_t table = 0;
  std::string method = "btree";
  std::vector<int> keys;              // column numbers; 0 is an expression
  std::vector<std::string> key_kind;  // operator class, collation and order of each key
  std::vector<int> included;          // not part of the key
  std::string expressions;            // their text, if there are any
  std::string predicate;              // WHERE of a partial index
  std::string definition;             // the whole statement
  bool unique = false;
  bool primary = false;
  bool constraint =
      false;  // belongs to a constraint, or is a replica identity: not to be dropped alone
  bool valid = true;
  bool building = false;  // CREATE INDEX is at work on it
  bool usage_known = true;
  std::uint64_t scans = 0;
  std::uint64_t bytes = 0;

  [[nodiscard]] bool plain() const noexcept {
    return valid && method == "btree" && predicate.empty();
  }
};

struct foreign_key {
  std::string name;
  std::uint32_t table = 0;
  std::vector<int> columns;
  std::uint32_t parent = 0;
};

struct catalogue {
  dialect kind = dialect::postgres;
  std::vector<table> tables;
  std::vector<index> indexes;
  std::vector<foreign_key> foreign_keys;
  double usage_days = -1;  // how long scans have been counted, at least; -1: not known
  bool has_replicas = false;

  // To be called once the tables are there; before that nothing is found.
  void index_names();
  // Without a schema: the one the search path finds.
  [[nodiscard]] const table* find_table(std::string_view schema, std::string_view name) const;
  [[nodiscard]] const table* find_table(std::uint32_t id) const;
  // The plain index whose first keys are these columns, in any order; nullptr if there is none.
  [[nodiscard]] const index* covers_set(std::uint32_t table, const std::vector<int>& columns) const;
  // The plain index whose first keys are these columns in this order.
  [[nodiscard]] const index* covers(std::uint32_t table, const std::vector<int>& columns) const;
  // The unique one of exactly these columns, in any order.
  [[nodiscard]] const index* unique_of(std::uint32_t table, const std::vector<int>& columns) const;

 private:
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::map<std::uint32_t, std::size_t> by_id_;
};

// How many different values: n_distinct as a count.
[[nodiscard]] double distinct_values(const table& t, const column& c) noexcept;

// A name as SQL needs it: quoted where it must be.
[[nodiscard]] std::string quoted(std::string_view name, dialect d);
[[nodiscard]] std::string quoted_table(const table& t, dialect d);

}  // namespace fairing::advise::indexes
