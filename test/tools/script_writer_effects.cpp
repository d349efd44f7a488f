// Scripts that change something: rows, settings, and what a cancel request changes.
#include <fmt/core.h>

#include "codec/pgwire/client_writer.hpp"
#include "script_writer.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;

// A row is there after COMMIT, and not after ROLLBACK.
void script_writer::writes(script& s) {
  const auto mark = tag();
  const auto n = 1 + below(3);
  const bool commits = chance(0.6);
  auto& begin = add(s);
  simple_command(begin, fmt::format("BEGIN /* {} */", mark), "BEGIN");
  ready(begin.answers, 'T');
  auto& insert = add(s);
  simple_command(
      insert,
      fmt::format("INSERT INTO torture_rows SELECT '{}', g FROM generate_series(1,{}) g", mark, n),
      fmt::format("INSERT 0 {}", n));
  ready(insert.answers, 'T');
  auto& end = add(s);
  simple_command(end, commits ? "COMMIT" : "ROLLBACK", commits ? "COMMIT" : "ROLLBACK");
  ready(end.answers, 'I');
  auto& look = add(s);
  query(look, fmt::format("SELECT tag, n FROM torture_rows WHERE tag = '{}' ORDER BY n", mark));
  look.answers.push_back({.what = answer::row_description});
  rows(look.answers, {.tag = mark, .first = 1, .count = commits ? n : 0});
  ready(look.answers, 'I');
}

void script_writer::copy_in(script& s) {
  const auto mark = tag();
  const auto n = 1 + below(200);
  auto& begin = add(s);
  query(begin, fmt::format("COPY torture_rows FROM STDIN /* {} */", mark));
  begin.answers.push_back({.what = answer::copy_in});
  auto& data = add(s);
  for (std::uint32_t i = 1; i <= n; ++i)
    static_cast<void>(
        pgwire::append_copy_data_to_server(data.bytes, fmt::format("{}\t{}\n", mark, i)));
  const bool fail = chance(0.2);
  if (fail) {
    pgwire::append_copy_fail(data.bytes, "as the script wants it");
    fails(data.answers, "57014");
  } else {
    pgwire::append_copy_done_to_server(data.bytes);
    complete(data.answers, fmt::format("COPY {}", n));
  }
  ready(data.answers, 'I');
  auto& look = add(s);
  query(look, fmt::format("SELECT tag, n FROM torture_rows WHERE tag = '{}' ORDER BY n", mark));
  look.answers.push_back({.what = answer::row_description});
  rows(look.answers, {.tag = mark, .first = 1, .count = fail ? 0 : n});
  ready(look.answers, 'I');
}

void script_writer::set(step& s, const std::string& name, const std::string& value, char status) {
  simple_command(s, fmt::format("SET {} TO '{}'", name, value), "SET");
  ready(s.answers, status);
}

void script_writer::verify_settings(step& s, char status) {
  if (chance(0.5)) {
    (void)tag();
    if (chance(0.5))
      show(s, "application_name", name_);
    else
      show(s, "statement_timeout", timeout_);
    return ready(s.answers, status);
  }
  show_tagged(s, ask(), "application_name", name_);
  ready(s.answers, status);
}

void script_writer::settings(script& s) {
  auto& p = add(s);
  const auto dice = below(10);
  if (dice < 3) {
    name_ = tag();
    names_.push_back(name_);
    set(p, "application_name", name_, 'I');
  } else if (dice < 5) {
    (void)tag();
    timeout_ = fmt::format("{}ms", 600'001 + client_ * 2 * 500 % 99'000 + below(400));
    if (timeout_.ends_with("000ms")) timeout_ = "600001ms";
    set(p, "statement_timeout", timeout_, 'I');
  } else if (dice == 5) {
    const bool all = chance(0.3);
    (void)tag();
    simple_command(p, all ? "RESET ALL" : "RESET application_name", "RESET");
    name_ = first_name();
    if (all) timeout_ = "0";
    names_.push_back(name_);
    ready(p.answers, 'I');
  } else if (dice == 6 && chance(0.3)) {
    (void)tag();
    simple_command(p, "DISCARD ALL", "DISCARD ALL");
    named_ = {};
    by_sql_ = {};
    name_ = first_name();
    names_.push_back(name_);
    timeout_ = "0";
    ready(p.answers, 'I');
  } else {
    verify_settings(p, 'I');
  }
  if (chance(0.5)) verify_settings(add(s), 'I');
}

// What a transaction sets and takes back, or sets for itself alone.
void script_writer::local_settings(script& s) {
  const auto mark = tag();
  const bool local = chance(0.5);
  names_.push_back(mark);
  auto& begin = add(s);
  simple_command(begin, "BEGIN", "BEGIN");
  ready(begin.answers, 'T');
  set(add(s), local ? "LOCAL application_name" : "application_name", mark, 'T');
  auto& look = add(s);
  show_tagged(look, ask(), "application_name", mark);
  ready(look.answers, 'T');
  auto& end = add(s);
  const bool commits = chance(0.5);
  simple_command(end, commits ? "COMMIT" : "ROLLBACK", commits ? "COMMIT" : "ROLLBACK");
  ready(end.answers, 'I');
  if (commits && !local) name_ = mark;
  verify_settings(add(s), 'I');
}

void script_writer::cancelled(script& s) {
  auto& p = add(s);
  const auto w = wanted{.tag = tag(), .first = 1, .count = 1};
  p.request = chance(0.7) ? cancel::own : cancel::wrong_key;
  p.cancel_after_ms = below(30);
  query(p, fmt::format("SELECT '{}'::text, 1 FROM pg_sleep(0.05)", w.tag));
  p.answers.push_back({.what = answer::row_description});
  rows(p.answers, w);
  ready(p.answers, 'I');
}

}  // namespace fairing::torture
