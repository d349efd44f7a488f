#include "statements.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "codec/pgwire/client_writer.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;

namespace {
constexpr std::uint32_t text_oid = 25;
constexpr std::uint32_t int4_oid = 23;

// Sizes are this program's own and far below the protocol's limits.
void bind(step& s, std::string_view name, std::span<const pgwire::value_view> parameters,
          bool binary) {
  static constexpr std::array<std::int16_t, 2> formats{0, 1};
  pgwire::bind_request r{.portal = "", .statement = name, .parameters = parameters};
  if (binary) r.result_formats = formats;
  static_cast<void>(pgwire::append_bind(s.bytes, r));
  s.answers.push_back({.what = answer::bind_complete});
}

void bind_wanted(step& s, std::string_view name, const wanted& w) {
  const auto count = std::to_string(w.count);
  const std::array<pgwire::value_view, 2> values{pgwire::value_view{w.tag}, {count}};
  bind(s, name, values, w.binary);
}
}  // namespace

std::uint32_t first_of(std::uint32_t n) noexcept { return 1 + (n % 10'000) * 100'000; }

std::string prepared_text(std::uint32_t n) {
  const auto* from = n % 2 == 0 ? "generate_series(1, $2::int4) g"
                                : "torture_numbers WHERE g <= $2::int4 ORDER BY g";
  return fmt::format("SELECT $1::text, g + {} FROM {} /* {} */", first_of(n) - 1, from, n);
}

void ready(std::vector<expected>& answers, char status) {
  answers.push_back({.what = answer::ready, .status = status});
}
void complete(std::vector<expected>& answers, std::string text) {
  answers.push_back({.what = answer::command_complete, .text = std::move(text)});
}
void fails(std::vector<expected>& answers, std::string sqlstate) {
  answers.push_back({.what = answer::error, .text = std::move(sqlstate)});
}
void rows(std::vector<expected>& answers, const wanted& w) {
  if (w.count > 0)
    answers.push_back({.what = answer::rows,
                       .tag = w.tag,
                       .first = w.first,
                       .count = w.count,
                       .binary = w.binary});
  complete(answers, fmt::format("SELECT {}", w.count));
}

std::string rows_sql(const wanted& w) {
  const auto from = w.first % 2 == 0
                        ? fmt::format("generate_series(1,{}) g", w.count)
                        : fmt::format("torture_numbers WHERE g <= {} ORDER BY g", w.count);
  return fmt::format("SELECT '{}'::text, g + {} FROM {}", w.tag, w.first - 1, from);
}

void query(step& s, std::string_view sql) { static_cast<void>(pgwire::append_query(s.bytes, sql)); }

void simple_rows(step& s, const wanted& w) {
  query(s, rows_sql(w));
  s.answers.push_back({.what = answer::row_description});
  rows(s.answers, w);
}

void simple_command(step& s, std::string_view sql, std::string text) {
  query(s, sql);
  complete(s.answers, std::move(text));
}

void simple_error(step& s, const std::string& tag, char status_after) {
  query(s, tag.size() % 2 == 0
               ? fmt::format("SELECT '{}'::text, 1/(length('{}') - {})", tag, tag, tag.size())
               : fmt::format("SELECT '{}'::text, 1/0", tag));
  // Folded to a constant while it is planned: no RowDescription comes before the error.
  fails(s.answers, "22012");
  ready(s.answers, status_after);
}

void wide_row(step& s, const wanted& w, std::uint32_t repeats) {
  query(s, fmt::format("SELECT '{}'::text, {}, repeat('{}', {})", w.tag, w.first, w.tag, repeats));
  s.answers.push_back({.what = answer::row_description});
  std::string text;
  for (std::uint32_t i = 0; i < repeats; ++i) text += w.tag;
  s.answers.push_back({.what = answer::rows,
                       .tag = w.tag,
                       .text = std::move(text),
                       .first = w.first,
                       .count = 1,
                       .columns = 3});
  complete(s.answers, "SELECT 1");
}

void show(step& s, const std::string& name, const std::string& value) {
  query(s, "SHOW " + name);
  s.answers.push_back({.what = answer::row_description});
  s.answers.push_back({.what = answer::rows, .tag = value, .count = 1, .columns = 1});
  complete(s.answers, "SHOW");
}

void show_tagged(step& s, const wanted& w, const std::string& name, const std::string& value) {
  query(s, fmt::format("SELECT '{}'::text, {}, current_setting('{}')", w.tag, w.first, name));
  s.answers.push_back({.what = answer::row_description});
  s.answers.push_back({.what = answer::rows,
                       .tag = w.tag,
                       .text = value,
                       .first = w.first,
                       .count = 1,
                       .columns = 3});
  complete(s.answers, "SELECT 1");
}

void copy_out(step& s, const wanted& w) {
  query(s, fmt::format("COPY ({}) TO STDOUT", rows_sql(w)));
  s.answers.push_back({.what = answer::copy_out});
  if (w.count > 0)
    s.answers.push_back(
        {.what = answer::copy_rows, .tag = w.tag, .first = w.first, .count = w.count});
  s.answers.push_back({.what = answer::copy_done});
  complete(s.answers, fmt::format("COPY {}", w.count));
}

void parse(step& s, std::string_view name, std::string_view sql, bool with_types) {
  static constexpr std::array<std::uint32_t, 2> types{text_oid, int4_oid};
  static_cast<void>(pgwire::append_parse(
      s.bytes, name, sql, std::span<const std::uint32_t>(types.data(), with_types ? 2 : 0)));
  s.answers.push_back({.what = answer::parse_complete});
}

void describe_statement(step& s, std::string_view name) {
  pgwire::append_describe(s.bytes, pgwire::target_kind::statement, name);
  s.answers.push_back({.what = answer::parameter_description});
  s.answers.push_back({.what = answer::row_description});
}

void bind_execute(step& s, std::string_view name, const wanted& w, bool describe) {
  bind_wanted(s, name, w);
  if (describe) {
    pgwire::append_describe(s.bytes, pgwire::target_kind::portal, "");
    s.answers.push_back({.what = answer::row_description});
  }
  pgwire::append_execute(s.bytes, "");
  rows(s.answers, w);
}

void bind_execute_nothing(step& s) {
  bind(s, "", {}, false);
  pgwire::append_execute(s.bytes, "");
}

void close_statement(step& s, std::string_view name) {
  pgwire::append_close(s.bytes, pgwire::target_kind::statement, name);
  s.answers.push_back({.what = answer::close_complete});
}

void sync(step& s, char status) {
  pgwire::append_sync(s.bytes);
  ready(s.answers, status);
}

void flush(step& s) { pgwire::append_flush(s.bytes); }

void portal_in_portions(step& s, std::string_view name, const wanted& w, std::uint32_t portion) {
  bind_wanted(s, name, w);
  for (std::uint32_t done = 0; done < w.count; done += portion) {
    const auto last = done + portion >= w.count;
    pgwire::append_execute(s.bytes, "", last ? 0 : static_cast<std::int32_t>(portion));
    s.answers.push_back({.what = answer::rows,
                         .tag = w.tag,
                         .first = w.first + done,
                         .count = std::min(portion, w.count - done),
                         .binary = w.binary});
    if (last)
      complete(s.answers, fmt::format("SELECT {}", w.count - done));
    else
      s.answers.push_back({.what = answer::portal_suspended});
  }
}

void big_parameter(step& s, const std::string& tag, std::uint32_t size) {
  parse(s, "", "SELECT $1::text, length($2::text)", false);
  const std::string text(size, 'b');
  const std::array<pgwire::value_view, 2> values{pgwire::value_view{tag}, {text}};
  bind(s, "", values, false);
  pgwire::append_execute(s.bytes, "");
  rows(s.answers, {.tag = tag, .first = size, .count = 1});
}

}  // namespace fairing::torture
