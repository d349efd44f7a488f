// test_insight: clients' statements as insight sees them, without sockets; for tests only.
//
// Problem: detection is tested with what real clients send (captured texts, formats, type ids), message by
// message, as the relay tells it.
// Flow:  traffic t; session s;  t.query(s, "SELECT 1", users(10));  t.prepared(s, text, {text("1")}, rows);
//        t.end();  t.loops()
// Threads: one. Time moves by hand: each statement takes 400 us, and 100 us pass before the next.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/insight.hpp"

namespace fairing::sql::testing_insight {

namespace pgwire = codec::pgwire;

struct cell {
  std::string bytes;
  bool null = false;
};
struct answer {
  std::vector<pgwire::column_view> columns;
  std::vector<std::vector<cell>> rows;
  bool binary = false;
};
struct parameter {
  std::string bytes;
  std::uint32_t type = 0;
  bool binary = false;
};
struct session {
  insight_client client;
};

inline std::string big_endian(std::int64_t v, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(v >> (8 * i) & 0xff);
  return out;
}
inline parameter text(std::string v) { return {std::move(v), 0, false}; }
inline parameter text(int v) { return {std::to_string(v), 0, false}; }
inline parameter int2(int v) { return {big_endian(v, 2), 21, true}; }
inline parameter int4(int v) { return {big_endian(v, 4), 23, true}; }

inline pgwire::column_view column(std::string_view name, std::uint32_t table,
                                  std::uint16_t attribute, std::uint32_t type) {
  return {.name = name, .table = table, .attribute = attribute, .type = type};
}

// id, name, age: `count` users from `first`, every `step`-th.
inline answer users(int count, int first = 7, int step = 3) {
  answer a;
  a.columns = {column("id", 16400, 1, 23), column("name", 16400, 2, 25),
               column("age", 16400, 3, 23)};
  for (int i = 0; i < count; ++i) {
    const int id = first + i * step;
    a.rows.push_back({{std::to_string(id)}, {"user " + std::to_string(id)}, {"33"}});
  }
  return a;
}
inline int user_id(int i) { return 7 + i * 3; }
// Orders of a user; ids that are nobody else's.
inline answer orders(int user, int count = 2) {
  answer a;
  a.columns = {column("id", 16500, 1, 23), column("user_id", 16500, 2, 23),
               column("total", 16500, 3, 1700)};
  for (int i = 0; i < count; ++i)
    a.rows.push_back(
        {{std::to_string(900'000 + user * 50 + i * 7)}, {std::to_string(user)}, {"10.50"}});
  return a;
}
inline answer nothing() { return {}; }

class traffic {
 public:
  explicit traffic(insight_options options = {.seed = process_seed()})
      : watch(options), effects_(options.seed) {
    effects_.name_by(&watch);
  }

  text_ids ids_of(std::string_view sql) { return effects_.of(sql).ids; }

  void query(session& s, std::string_view sql, const answer& a = {}) {
    const auto ids = ids_of(sql);
    watch.on_query(s.client, ids, sql, now_us);
    describe(ids, a);
    give(s, ids, a);
  }

  void prepared(session& s, std::string_view sql, const std::vector<parameter>& values,
                const answer& a = {}) {
    const auto ids = ids_of(sql);
    std::string parse;
    std::vector<std::uint32_t> types;
    for (const auto& v : values) types.push_back(v.type);
    if (std::ranges::all_of(types, [](auto t) { return t == 0; })) types.clear();
    EXPECT_TRUE(pgwire::append_parse(parse, "", sql, types));
    std::vector<pgwire::value_view> views;
    std::vector<std::int16_t> formats;
    for (const auto& v : values) {
      views.push_back({v.bytes, false});
      formats.push_back(v.binary ? 1 : 0);
    }
    const std::vector<std::int16_t> results(1, a.binary ? 1 : 0);
    std::string bind;
    EXPECT_TRUE(pgwire::append_bind(
        bind, {.parameter_formats = formats, .parameters = views, .result_formats = results}));
    watch.on_bind(s.client, ids, std::string_view(parse).substr(6),
                  std::string_view(bind).substr(5), now_us);
    describe(ids, a);
    give(s, ids, a);
  }

  void pass(std::int64_t us) { now_us += us; }
  std::vector<loop_row> loops() {
    pass(5'000'000);
    watch.flush(now_us);
    return merge_loops({watch.loops(now_us, wall_time{seconds{1'700'000'000}})});
  }

  std::int64_t now_us = 1'000'000'000;
  insight watch;
  std::int64_t taken_us = 400;  // by a statement
  int part_of_every = 0;        // of so many rows one is read in two parts

 private:
  void describe(text_ids ids, const answer& a) {
    if (a.columns.empty()) return;
    std::string message;
    EXPECT_TRUE(pgwire::append_row_description(message, a.columns));
    watch.on_columns(ids, std::string_view(message).substr(5));
  }

  void give(session& s, text_ids ids, const answer& a) {
    for (const auto& row : a.rows) {
      std::vector<pgwire::value_view> values;
      for (const auto& c : row) values.push_back({c.bytes, c.null});
      std::string message;
      EXPECT_TRUE(pgwire::append_data_row(message, values));
      const bool in_part = part_of_every != 0 && ++rows_ % part_of_every == 0;
      watch.on_row(s.client, ids, std::string_view(message).substr(0, in_part ? 500 : -1UL),
                   now_us);
    }
    now_us += taken_us;
    watch.on_done(s.client, ids, {.duration_us = taken_us, .rows = a.rows.size()}, now_us);
    now_us += taken_us / 4;
  }

  effects_cache effects_;
  int rows_ = 0;
};

}  // namespace fairing::sql::testing_insight
