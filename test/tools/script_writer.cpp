#include "script_writer.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "codec/pgwire/client_writer.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;

const std::array<script_writer::kind, 19> script_writer::kinds{{
    {"simple", 20, &script_writer::simple},
    {"several", 4, &script_writer::several},
    {"unnamed", 16, &script_writer::unnamed},
    {"two_packets", 8, &script_writer::two_packets},
    {"parse_first", 8, &script_writer::parse_first},
    {"named", 30, &script_writer::named},
    {"sql_prepare", 6, &script_writer::sql_prepare},
    {"transaction", 12, &script_writer::transaction},
    {"pipeline", 8, &script_writer::pipeline},
    {"batch", 4, &script_writer::batch},
    {"copy", 3, &script_writer::copy},
    {"writes", 4, &script_writer::writes},
    {"copy_in", 2, &script_writer::copy_in},
    {"settings", 5, &script_writer::settings},
    {"local_settings", 2, &script_writer::local_settings},
    {"cancel", 2, &script_writer::cancelled},
    {"wide", 1, &script_writer::wide},
    {"portal", 3, &script_writer::portal},
    {"error", 4, &script_writer::error},
}};

const char* schema() noexcept {
  return "CREATE UNLOGGED TABLE IF NOT EXISTS torture_rows (tag text, n int4);"
         "CREATE INDEX IF NOT EXISTS torture_rows_tag ON torture_rows (tag);"
         "CREATE TABLE IF NOT EXISTS torture_numbers (g int4 PRIMARY KEY);"
         "INSERT INTO torture_numbers SELECT generate_series(1, 5000) ON CONFLICT DO NOTHING;";
}

std::vector<std::string> all_kinds() {
  std::vector<std::string> out;
  for (const auto& k : script_writer::kinds) out.emplace_back(k.name);
  return out;
}

script_writer::script_writer(std::uint32_t client, std::uint64_t seed, const script_options& o)
    : client_(client), random_(seed * 1'000'003 + client), options_(o) {
  for (const auto& k : kinds) {
    const bool writes = k.write == &script_writer::writes || k.write == &script_writer::copy_in;
    const bool sets =
        k.write == &script_writer::settings || k.write == &script_writer::local_settings;
    const bool left_out = std::ranges::find(o.without, k.name) != o.without.end();
    const bool may = (!writes || o.writes) && (!sets || !is_plain());
    weights_.push_back(left_out || !may ? 0 : k.weight);
    weight_sum_ += weights_.back();
  }
}

std::uint32_t script_writer::below(std::uint32_t n) {
  return static_cast<std::uint32_t>(random_() % std::max(1U, n));
}
bool script_writer::chance(double p) {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < p;
}

std::string script_writer::first_name() const {
  return is_plain() ? "torture" : fmt::format("torture-{}", client_);
}

void script_writer::connected(std::uint32_t number) {
  connection_ = number;
  named_ = {};
  by_sql_ = {};
  name_ = first_name();
  timeout_ = "0";
  names_ = {name_};
}

std::string script_writer::tag() {
  ++statements_in_script_;
  return fmt::format("{}{}.{}-{}{}", tag_mark, client_, connection_, ++statement_, tag_mark);
}

wanted script_writer::ask() {
  wanted w{.tag = tag(), .first = 1 + below(1000)};
  const auto dice = below(1000);
  if (dice < 940)
    w.count = below(4);
  else if (dice < 990)
    w.count = 20 + below(100);
  else
    w.count = 500 + below(options_.large_rows - 500);
  return w;
}

step& script_writer::add(script& s) { return s.steps.emplace_back(); }

script script_writer::next() {
  names_ = {name_};
  statements_in_script_ = 0;
  script s;
  auto dice = below(weight_sum_);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (dice >= weights_[i]) {
      dice -= weights_[i];
      continue;
    }
    s.kind = kinds[i].name;
    (this->*kinds[i].write)(s);
    break;
  }
  for (auto& each : s.steps)
    for (const auto& a : each.answers)
      each.large = each.large || a.count > 400 || a.text.size() > 65536;
  s.statements = statements_in_script_;
  return s;
}

void script_writer::simple(script& s) {
  auto& p = add(s);
  simple_rows(p, ask());
  ready(p.answers, 'I');
}

void script_writer::several(script& s) {
  auto& p = add(s);
  const auto n = 2 + below(3);
  std::string sql;
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto w = ask();
    sql += rows_sql(w) + "; ";
    p.answers.push_back({.what = answer::row_description});
    rows(p.answers, w);
  }
  query(p, sql);
  ready(p.answers, 'I');
}

void script_writer::unnamed(script& s) {
  auto& p = add(s);
  auto w = ask();
  const auto text = below(options_.texts);
  w.first = first_of(text);
  w.binary = chance(0.3);
  parse(p, "", prepared_text(text), chance(0.5));
  bind_execute(p, "", w, chance(0.6));
  sync(p, 'I');
}

// Parse, Describe and Flush; Bind in a second packet.
void script_writer::two_packets(script& s) {
  const auto text = below(options_.texts);
  auto& first = add(s);
  parse(first, "", prepared_text(text), chance(0.5));
  describe_statement(first, "");
  flush(first);
  auto& second = add(s);
  auto w = ask();
  w.first = first_of(text);
  bind_execute(second, "", w, chance(0.5));
  sync(second, 'I');
}

// Parse and Sync; the unnamed statement is bound later, perhaps more than once.
void script_writer::parse_first(script& s) {
  const auto text = below(options_.texts);
  auto& first = add(s);
  parse(first, "", prepared_text(text), chance(0.5));
  if (chance(0.5)) describe_statement(first, "");
  sync(first, 'I');
  const auto times = 1 + below(3);
  for (std::uint32_t i = 0; i < times; ++i) {
    auto& p = add(s);
    auto w = ask();
    w.first = first_of(text);
    bind_execute(p, "", w, chance(0.5));
    sync(p, 'I');
  }
}

void script_writer::pick_named(step& s, char status) {
  const auto slot = below(static_cast<std::uint32_t>(named_.size()));
  const auto name = fmt::format("s{}", slot);
  if (named_[slot] && chance(0.1)) {
    close_statement(s, name);
    named_[slot].reset();
  }
  if (!named_[slot]) {
    named_[slot] = below(options_.texts);
    parse(s, name, prepared_text(*named_[slot]), chance(0.5));
    if (chance(0.3)) describe_statement(s, name);
    if (chance(0.5)) sync(s, status);
  }
  auto w = ask();
  w.first = first_of(*named_[slot]);
  w.binary = chance(0.3);
  bind_execute(s, name, w, chance(0.3));
  sync(s, status);
}

void script_writer::named(script& s) {
  const auto slot = below(static_cast<std::uint32_t>(named_.size()));
  const auto name = fmt::format("s{}", slot);
  auto& p = add(s);
  if (!named_[slot] && chance(0.05)) {  // never prepared
    bind_execute(p, name, ask(), false);
    p.answers.clear();
    fails(p.answers, "26000");
    return sync(p, 'I');
  }
  if (named_[slot] && chance(0.03)) {  // a name that is taken
    parse(p, name, prepared_text(below(options_.texts)), true);
    p.answers.clear();
    fails(p.answers, "42P05");
    (void)tag();
    return sync(p, 'I');
  }
  if (named_[slot] && chance(0.03)) {  // by SQL
    query(p, fmt::format("DEALLOCATE {}", name));
    (void)tag();
    complete(p.answers, "DEALLOCATE");
    named_[slot].reset();
    return ready(p.answers, 'I');
  }
  if (!named_[slot]) {  // now, and bound at another time
    named_[slot] = below(options_.texts);
    parse(p, name, prepared_text(*named_[slot]), chance(0.5));
    if (chance(0.5)) describe_statement(p, name);
    (void)tag();
    return sync(p, 'I');
  }
  pick_named(p, 'I');
}

void script_writer::sql_prepare(script& s) {
  const auto slot = below(static_cast<std::uint32_t>(by_sql_.size()));
  auto& p = add(s);
  if (!by_sql_[slot]) {
    by_sql_[slot] = below(options_.texts);
    (void)tag();
    simple_command(
        p, fmt::format("PREPARE p{} (text, int4) AS {}", slot, prepared_text(*by_sql_[slot])),
        "PREPARE");
    return ready(p.answers, 'I');
  }
  if (chance(0.1)) {
    (void)tag();
    const bool all = chance(0.1);
    simple_command(p, all ? "DEALLOCATE ALL" : fmt::format("DEALLOCATE p{}", slot),
                   all ? "DEALLOCATE ALL" : "DEALLOCATE");
    by_sql_[slot].reset();
    if (all) by_sql_ = {}, named_ = {};
    return ready(p.answers, 'I');
  }
  auto w = ask();
  w.first = first_of(*by_sql_[slot]);
  query(p, fmt::format("EXECUTE p{}('{}', {})", slot, w.tag, w.count));
  p.answers.push_back({.what = answer::row_description});
  rows(p.answers, w);
  ready(p.answers, 'I');
}

void script_writer::one(step& s, char status) {
  switch (below(4)) {
    case 0:
    case 1: {
      simple_rows(s, ask());
      return ready(s.answers, status);
    }
    case 2: {
      const auto text = below(options_.texts);
      auto w = ask();
      w.first = first_of(text);
      parse(s, "", prepared_text(text), chance(0.5));
      bind_execute(s, "", w, chance(0.5));
      return sync(s, status);
    }
    default:
      return pick_named(s, status);
  }
}

void script_writer::failed_transaction(script& s) {
  auto& bad = add(s);
  simple_error(bad, tag(), 'E');
  if (chance(0.7)) {
    auto& after = add(s);
    query(after, rows_sql(ask()));
    fails(after.answers, "25P02");
    ready(after.answers, 'E');
  }
  auto& end = add(s);
  simple_command(end, chance(0.5) ? "ROLLBACK" : "COMMIT", "ROLLBACK");
  ready(end.answers, 'I');
}

void script_writer::transaction(script& s) {
  auto& begin = add(s);
  simple_command(begin, fmt::format("BEGIN /* {} */", tag()), "BEGIN");
  ready(begin.answers, 'T');
  const auto n = 1 + below(5);
  for (std::uint32_t i = 0; i < n; ++i) one(add(s), 'T');
  if (chance(0.25)) return failed_transaction(s);
  auto& end = add(s);
  const bool commits = chance(0.7);
  simple_command(end, commits ? "COMMIT" : "ROLLBACK", commits ? "COMMIT" : "ROLLBACK");
  ready(end.answers, 'I');
}

// Two to ten statements in one packet, each with its Sync.
void script_writer::pipeline(script& s) {
  auto& p = add(s);
  const auto n = 2 + below(9);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!chance(0.1)) {
      one(p, 'I');
      continue;
    }
    simple_error(p, tag(), 'I');
  }
}

// Several statements before one Sync; one of them may fail, and those behind it are skipped.
void script_writer::batch(script& s) {
  auto& p = add(s);
  const auto n = 2 + below(6);
  const auto bad = chance(0.3) ? below(n) : n;
  bool failed = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto text = below(options_.texts);
    auto w = ask();
    w.first = first_of(text);
    step one_statement;
    parse(one_statement, "", i == bad ? "SELECT $1::text, 1/0, $2::int4" : prepared_text(text),
          false);
    bind_execute(one_statement, "", w, chance(0.3));
    p.bytes += one_statement.bytes;
    if (failed) continue;
    failed = i == bad;
    if (failed) {  // folded to a constant where Bind plans it
      p.answers.push_back({.what = answer::parse_complete});
      fails(p.answers, "22012");
    } else {
      p.answers.insert(p.answers.end(), one_statement.answers.begin(), one_statement.answers.end());
    }
  }
  sync(p, 'I');
}

void script_writer::copy(script& s) {
  auto& p = add(s);
  copy_out(p, ask());
  ready(p.answers, 'I');
}

void script_writer::wide(script& s) {
  auto& p = add(s);
  if (chance(0.5)) {
    wide_row(p, ask(), 1 + below(40'000));
    return ready(p.answers, 'I');
  }
  big_parameter(p, tag(), 1 + below(400'000));
  sync(p, 'I');
}

void script_writer::portal(script& s) {
  auto& p = add(s);
  const auto text = below(options_.texts);
  auto w = ask();
  w.first = first_of(text);
  w.count = 2 + below(60);
  parse(p, "", prepared_text(text), chance(0.5));
  portal_in_portions(p, "", w, 1 + below(20));
  sync(p, 'I');
}

void script_writer::error(script& s) {
  auto& p = add(s);
  if (chance(0.5)) return simple_error(p, tag(), 'I');
  parse(p, "", fmt::format("SELEC '{}'", tag()), false);
  bind_execute_nothing(p);
  p.answers.clear();
  fails(p.answers, "42601");
  sync(p, 'I');
}

}  // namespace fairing::torture
