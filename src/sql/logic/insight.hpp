// insight: what a core's relays tell of the statements that pass, and what becomes of it: statistics of
// templates, N+1 loops, pages. It only watches: nothing of it changes what is forwarded.
//
// Flow (one a core; a relay has an `insight*` that is null when insight is off, and an insight_client):
//   effects.name_by(&insight)         // asks it for the ids of texts
//   Query:            insight.on_query(client, ids, text, now_us)
//   Bind, whole:      insight.on_bind(client, ids, definition, body, now_us)
//   't' from server:  insight.on_parameters(ids, body)
//   'T' from server:  insight.on_columns(ids, body)
//   'D' from server:  insight.on_row(client, ids, message, now_us)   // ids: of the queue's head
//   statement over:   insight.on_done(client, ids, {...}, now_us)
//   client gone:      insight.on_leave(client)
//   and for the writes of watched traces (traced_writes.hpp): values = insight.values_of_query(..), values_of_bind(..)
//   into the entry's ids; on_tag, on_error, on_ready of the client as the server says so
//   scrape, API:      insight.flush(now_us); insight.queries(..), insight.loops(..)
//   reload:           insight.set(options)
// now_us: precise_us(), of one clock. `ids` are kept by effects, entries and portals as they are.
// A session is watched by itself; statements that bear a traceparent by their request, over
// all connections of the core.
// Bounds: 5,000 templates, 16,384 texts, 4,096 watched sessions or requests at a time
// (watched_sessions.hpp) of 32 MiB together, 512 remembered literal texts.
// Threads: the core's. Cost: a statement that repeats nothing: 50 to 150 ns in all; a row: a copy of it,
// of a long one of its short values. No allocation in steady state.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "advise/n_plus_one.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/sql_lexer/analyzer.hpp"
#include "sql/logic/effects.hpp"
#include "sql/logic/loops.hpp"
#include "sql/logic/templates.hpp"
#include "sql/logic/text_ids.hpp"
#include "sql/logic/traced_writes.hpp"
#include "sql/logic/watched_sessions.hpp"

namespace fairing::sql {

struct insight_options {
  std::uint64_t seed = 0;  // the process's: templates of all cores are compared
  bool detect = true;      // sql.n_plus_one.detect
  std::uint32_t least = 5;
  std::int64_t slow_us = 100'000;
  std::size_t watched = 4096;  // sessions and requests at a time
  std::size_t watched_bytes = 32UL << 20U;
  bus::write_sets* writes = nullptr;  // outlives it; null: nobody asks for them
};

// A client's part; in its relay.
struct insight_client {
  std::uint64_t key = 0;   // of its session; given at the first statement
  std::uint32_t text = 0;  // whose rows are being kept; 0: none
  std::uint32_t watched = 0;
  std::uint64_t owner = 0;  // of that watched slot
  advise::result_handle rows;
  traced_client traced;
};

struct finished {
  std::int64_t duration_us = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of the answer
  bool failed = false;
  bool in_transaction = false;
};

class insight final : public text_names, private advise::text_facts, private advise::run_sink {
 public:
  explicit insight(const insight_options& options);
  insight(const insight&) = delete;
  insight& operator=(const insight&) = delete;
  ~insight();

  [[nodiscard]] text_ids on_text(const text_view& t, const codec::sql_lexer::analyzer& a) override;
  void on_known(const text_view& t, text_ids ids) override;
  void on_query(insight_client& c, text_ids ids, std::string_view text, std::int64_t now_us);
  // definition: what follows the name in the Parse message (text, count, type ids); body: of the Bind.
  void on_bind(insight_client& c, text_ids ids, std::string_view definition, std::string_view body,
               std::int64_t now_us);
  void on_parameters(text_ids ids, std::string_view body);
  void on_columns(text_ids ids, std::string_view body);
  // message: with its header; of one that is not whole what came is kept.
  void on_row(insight_client& c, text_ids ids, std::string_view message, std::int64_t now_us);
  void on_done(insight_client& c, text_ids ids, const finished& f, std::int64_t now_us);
  void on_leave(insight_client& c);
  [[nodiscard]] std::uint64_t values_of_query(text_ids ids, std::string_view text) const {
    return traced_.values_of_query(ids, text);
  }
  [[nodiscard]] std::uint64_t values_of_bind(text_ids ids, std::string_view definition,
                                             std::string_view body) const {
    return traced_.values_of_bind(ids, definition, body);
  }
  void on_ready(insight_client& c, bool idle) { traced_.on_ready(c.traced, idle); }

  // What a reload may change: detect, least, slow_us. What was found so far stays.
  void set(const insight_options& options);

  // Ends loops that had nothing for a second: before reading.
  void flush(std::int64_t now_us);
  [[nodiscard]] std::vector<template_row> queries(std::int64_t now_us, wall_time now) const {
    return templates_.rows(routes_, now_us, now);
  }
  [[nodiscard]] std::vector<loop_row> loops(std::int64_t now_us, wall_time now) const {
    return loops_.rows(templates_, false_starts(), routes_, now_us, now);
  }
  [[nodiscard]] const loop_table& found() const noexcept { return loops_; }
  [[nodiscard]] const template_table& templates() const noexcept { return templates_; }
  // The printed template of a text: without values.
  [[nodiscard]] std::string_view template_of(text_ids ids) const noexcept;
  // For the log's line of a slow statement: the template, if there was none of it within a minute; else empty.
  [[nodiscard]] std::string_view slow_news(text_ids ids, std::int64_t now_us);
  // Of the request that the statement belongs to; empty: none is known.
  [[nodiscard]] std::string_view route_name(text_ids ids) const noexcept {
    return routes_.name(route_of(ids.request));
  }

 private:
  static constexpr std::size_t most_units = advise::most_units;
  static constexpr std::size_t most_texts = 16'384;
  static constexpr std::uint32_t other_text = 1;  // a text beyond most_texts; 0 is none
  static constexpr std::size_t literal_texts = 512;
  static constexpr std::size_t literal_slots = 16;
  static constexpr std::size_t most_columns = 64;

  // A text, but for the values of its slots.
  struct text_record {
    std::uint32_t template_id = 0;
    std::uint32_t rest = 0;  // hash of the literals beside parameters
    bool watched = false;    // one SELECT that only reads
    bool single = false;     // one statement
    bool has_parameters = false;
    std::uint8_t units = 0;
    std::int8_t limit_unit = -1;
    std::int8_t offset_unit = -1;
    std::int64_t limit = -1;  // literals beside parameters
    std::int64_t offset = -1;
    std::uint16_t may_be_key = 0;  // a bit each
    false_starts_count false_starts;
    std::array<std::uint16_t, most_units> slots{};  // $slot of the template
    std::array<std::uint32_t, most_units>
        types{};               // of the parameters, as the server described them
    std::uint64_t shape = 0;   // hash of the row description
    std::uint64_t binary = 0;  // columns in binary, of the last Bind
    std::vector<advise::column> columns;
  };
  // Where the values of a text without parameters are; of an outline: `begin` is then how far before its literal.
  struct literal_text {
    std::uint64_t hash = 0;  // of the text or the outline
    std::uint8_t count = 0;
    bool usable = false;
    struct place {
      std::uint32_t begin = 0;
      std::uint32_t end = 0;
      std::uint8_t unit = 0;
      bool several = false;  // an element of a longer list
    };
    std::array<place, literal_slots> places{};
  };
  struct request {
    std::uint64_t id = 0;
    std::uint32_t route = 0;
  };

  // advise::text_facts, advise::run_sink
  [[nodiscard]] std::span<const advise::column> columns(std::uint32_t text) const override;
  void on_run(const advise::run& r) override;
  void on_false_start(std::uint32_t text, std::uint32_t keys) noexcept override;
  [[nodiscard]] false_starts_of false_starts() const;  // of templates

  [[nodiscard]] std::uint32_t record_of(std::string_view text, const codec::sql_lexer::analyzer& a);
  void read_parameters(text_record& r, std::string_view text,
                       std::span<const codec::sql_lexer::slot> slots) const;
  void read_literals(text_record& r, std::span<const codec::sql_lexer::slot> slots) const;
  [[nodiscard]] literal_text& literals_of(std::uint64_t hash) noexcept {
    return literals_[hash % literal_texts];
  }
  literal_text& remember_literals(std::uint64_t hash,
                                  std::span<const codec::sql_lexer::slot> slots);
  void remember_outline(const text_view& t, std::span<const codec::sql_lexer::slot> slots);
  [[nodiscard]] std::uint64_t request_of(std::string_view text);
  [[nodiscard]] std::uint32_t route_of(std::uint64_t request) const noexcept;
  // Null: it has no place.
  [[nodiscard]] advise::session_tracker* watch(insight_client& c, text_ids ids,
                                               std::int64_t now_us);
  [[nodiscard]] advise::session_tracker* watching(const insight_client& c) const noexcept;
  void note_pages(const text_record& r, std::int64_t limit, std::int64_t offset);

  insight_options options_;
  traced_writes traced_;
  template_table templates_;
  route_names routes_;
  loop_table loops_;
  std::vector<text_record> texts_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> text_ids_;
  std::vector<literal_text> literals_;
  literal_text last_literals_;           // of the text that on_known() was told last
  codec::sql_lexer::analyzer analyzer_;  // for literal texts that were forgotten
  std::vector<request> requests_;
  watched_sessions watched_;
  std::uint64_t clients_ = 0;
};

}  // namespace fairing::sql
