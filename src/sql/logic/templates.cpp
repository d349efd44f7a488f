#include "sql/logic/templates.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/hash.hpp"
#include "codec/sql_lexer/name.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::statement_kind;

namespace {

constexpr std::size_t text_bytes = 2048;
constexpr std::size_t most_tables = 16;
constexpr std::size_t most_databases = 8;

void add_name(std::vector<std::string>& to, std::string_view name) {
  if (std::ranges::find(to, name) == to.end()) to.emplace_back(name);
}

std::size_t bucket_of(std::int64_t us) noexcept {
  const auto v = us < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(us);
  if (v < 4) return static_cast<std::size_t>(v);
  const auto octave = static_cast<std::size_t>(std::bit_width(v)) - 3;  // of 4..7: 0
  return std::min((octave + 1) * 4 + ((v >> octave) & 3), latency_histogram::buckets - 1);
}

// A path's part that names one thing: a number, a uuid, or long hexadecimal digits.
bool is_id(std::string_view part) noexcept {
  if (part.empty()) return false;
  bool digits = true;
  bool hex = part.size() >= 8;
  bool any_digit = false;
  for (const char c : part) {
    const bool digit = c >= '0' && c <= '9';
    any_digit = any_digit || digit;
    digits = digits && digit;
    hex = hex && (digit || c == '-' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
  }
  return digits || (hex && any_digit);
}

}  // namespace

void latency_histogram::add(std::int64_t us) noexcept {
  auto& cell = cells_[bucket_of(us)];
  if (cell == std::numeric_limits<std::uint32_t>::max()) return;
  ++cell;
  ++count_;
}

void latency_histogram::merge(const latency_histogram& o) noexcept {
  for (std::size_t i = 0; i < buckets; ++i) {
    const auto n = std::min(o.cells_[i], std::numeric_limits<std::uint32_t>::max() - cells_[i]);
    cells_[i] += n;
    count_ += n;
  }
}

std::int64_t latency_histogram::quantile(double q) const noexcept {
  const auto rank = q * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (cells_[i] == 0) continue;
    const auto here = static_cast<double>(cells_[i]);
    if (below + here >= rank) {
      const auto octave = i < 4 ? std::size_t{0} : i / 4 - 1;
      const auto width = static_cast<double>(std::uint64_t{1} << octave);
      const auto low = i < 4 ? static_cast<double>(i) : static_cast<double>(4 + i % 4) * width;
      return static_cast<std::int64_t>(low + width * std::max(rank - below, 0.0) / here);
    }
    below += here;
  }
  return 0;
}

std::vector<latency_histogram::octave> latency_histogram::octaves() const {
  std::vector<octave> out;
  for (std::size_t i = 0; i < buckets; i += 4) {
    std::uint64_t n = 0;
    for (std::size_t k = i; k < i + 4; ++k) n += cells_[k];
    if (n != 0) out.push_back({std::int64_t{4} << (i / 4), n});
  }
  return out;
}

void coarse_histogram::add(std::int64_t us) noexcept {
  const auto v = us < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(us);
  auto& cell = cells_[std::min(static_cast<std::size_t>(std::bit_width(v)), buckets - 1)];
  if (cell != std::numeric_limits<std::uint32_t>::max()) ++cell;
}

void coarse_histogram::merge(const coarse_histogram& o) noexcept {
  for (std::size_t i = 0; i < buckets; ++i)
    cells_[i] += std::min(o.cells_[i], std::numeric_limits<std::uint32_t>::max() - cells_[i]);
}

std::int64_t coarse_histogram::quantile(double q) const noexcept {
  double count = 0;
  for (const auto n : cells_) count += n;
  double below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const auto here = static_cast<double>(cells_[i]);
    if (here > 0 && below + here >= q * count) {
      const auto low = i == 0 ? 0.0 : static_cast<double>(std::uint64_t{1} << (i - 1));
      return static_cast<std::int64_t>(low + low * std::max(q * count - below, 0.0) / here);
    }
    below += here;
  }
  return 0;
}

std::string route_template(std::string_view route) {
  constexpr std::size_t most_bytes = 128;
  const auto query = route.find_first_of("?#");
  route = route.substr(0, std::min(query, route.size()));
  std::string out;
  std::size_t at = 0;
  while (at <= route.size()) {
    const auto end = std::min(route.find('/', at), route.size());
    const auto part = route.substr(at, end - at);
    out += is_id(part) ? std::string_view("{id}") : part;
    if (end == route.size() || out.size() > most_bytes) break;
    out += '/';
    at = end + 1;
  }
  if (out.size() > most_bytes) out.resize(most_bytes);
  return out;
}

std::uint32_t route_names::intern(std::string_view route) {
  if (route.empty()) return 0;
  auto name = route_template(route);
  if (const auto at = ids_.find(name); at != ids_.end()) return at->second;
  if (names_.size() >= most) name = "(other)";
  if (const auto at = ids_.find(name); at != ids_.end()) return at->second;
  const auto id = static_cast<std::uint32_t>(names_.size());
  ids_.emplace(name, id);
  names_.push_back(std::move(name));
  return id;
}

std::string_view route_names::name(std::uint32_t id) const noexcept {
  return id < names_.size() ? std::string_view(names_[id]) : std::string_view();
}

void route_counts::add(const execution_stats& s) noexcept {
  ++count;
  errors += s.failed ? 1 : 0;
  rows += s.rows;
  bytes += s.bytes;
  total_us += s.duration_us;
  transaction_us += s.in_transaction ? s.duration_us : 0;
  max_us = std::max(max_us, s.duration_us);
  latency.add(s.duration_us);
}

void route_counts::merge(const route_counts& o) noexcept {
  count += o.count;
  errors += o.errors;
  rows += o.rows;
  bytes += o.bytes;
  total_us += o.total_us;
  transaction_us += o.transaction_us;
  max_us = std::max(max_us, o.max_us);
  latency.merge(o.latency);
}

void template_counts::merge(const template_counts& o) noexcept {
  count += o.count;
  errors += o.errors;
  rows += o.rows;
  bytes += o.bytes;
  slow += o.slow;
  in_transaction += o.in_transaction;
  transaction_us += o.transaction_us;
  total_us += o.total_us;
  max_us = std::max(max_us, o.max_us);
  latency.merge(o.latency);
  pages.merge(o.pages);
}

template_table::template_table(std::int64_t slow_us) : slow_us_(slow_us) {
  rows_.emplace_back();
  rows_[other].text = "(other)";
  rows_[other].kind = "other";
}

std::uint32_t template_table::intern(const lex::analyzer& a, std::string_view text) {
  const auto hash = a.shape().hash();
  if (const auto at = ids_.find(hash); at != ids_.end()) return at->second;
  if (rows_.size() > most) return other;
  entry e;
  e.hash = hash;
  a.shape().print(e.text, text_bytes);
  const auto statements = a.statements();
  e.kind = statements.empty() ? "empty" : kind_name(statements.front().kind);
  e.reads = statements.size() == 1 && statements.front().kind == statement_kind::select;
  for (const auto& s : a.shape().slots())
    e.has_limit = e.has_limit || s.place == lex::slot_place::limit;
  for (const auto& r : a.relations().relations()) {
    if (!r.sure || e.tables.size() == most_tables) continue;
    auto name = lex::canonical_name(r.name.of(text));
    if (std::ranges::find(e.tables, name) == e.tables.end()) e.tables.push_back(std::move(name));
  }
  const auto id = static_cast<std::uint32_t>(rows_.size());
  rows_.push_back(std::move(e));
  ids_.emplace(hash, id);
  return id;
}

void template_table::note_database(std::uint32_t id, std::string_view database) {
  auto& names = rows_[id].databases;
  if (id == other || std::ranges::find(names, database) != names.end()) return;
  if (names.size() <= most_databases)
    add_name(names, names.size() < most_databases ? database : "(other)");
}

bool template_table::is_news(std::uint32_t id, std::int64_t now_us) noexcept {
  constexpr std::int64_t minute_us = 60'000'000;
  auto& told = rows_[id].told_us;
  if (told >= 0 && now_us - told < minute_us) return false;
  told = now_us;
  return true;
}

void template_table::add(std::uint32_t id, const execution_stats& s, std::int64_t now_us) noexcept {
  auto& e = rows_[id < rows_.size() ? id : other];
  auto& c = e.counts;
  ++c.count;
  c.errors += s.failed ? 1 : 0;
  c.rows += s.rows;
  c.bytes += s.bytes;
  c.slow += s.duration_us > slow_us_ ? 1 : 0;
  if (s.in_transaction) {
    ++c.in_transaction;
    c.transaction_us += s.duration_us;
  }
  c.total_us += s.duration_us;
  c.max_us = std::max(c.max_us, s.duration_us);
  c.latency.add(s.duration_us);
  if (e.reads) c.pages.on_rows(s.rows, e.has_limit);
  e.last_us = now_us;
  if (s.route != 0) add_route(e, s);
}

void template_table::add_route(entry& e, const execution_stats& s) noexcept {
  auto* at = std::ranges::find_if(
      e.routes, [&](const route_count& r) { return r.route == s.route || r.counts.count == 0; });
  if (at == e.routes.end()) return;  // beyond eight: only in the template's own sums
  at->route = s.route;
  at->counts.add(s);
}

std::vector<template_row> template_table::rows(const route_names& routes, std::int64_t now_us,
                                               wall_time now) const {
  std::vector<template_row> out;
  for (const auto& e : rows_) {
    if (e.counts.count == 0) continue;
    template_row r{e.hash, e.text, std::string(e.kind), e.tables, e.counts, {}, 0};
    for (const auto& share : e.routes)
      if (share.counts.count != 0)
        r.routes.push_back({std::string(routes.name(share.route)), share.counts});
    r.last_seen_unix = now.time_since_epoch().count() - (now_us - e.last_us) / 1'000'000;
    r.databases = e.databases;
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<template_row> merge(std::vector<std::vector<template_row>> of_cores) {
  std::vector<template_row> out;
  boost::unordered_flat_map<std::uint64_t, std::size_t> at;
  for (auto& rows : of_cores)
    for (auto& r : rows) {
      const auto [found, fresh] = at.emplace(r.hash, out.size());
      if (fresh) {
        out.push_back(std::move(r));
        continue;
      }
      auto& sum = out[found->second];
      sum.counts.merge(r.counts);
      sum.last_seen_unix = std::max(sum.last_seen_unix, r.last_seen_unix);
      for (const auto& database : r.databases) add_name(sum.databases, database);
      for (auto& share : r.routes) {
        const auto same = std::ranges::find(sum.routes, share.route, &template_route::route);
        if (same == sum.routes.end()) {
          sum.routes.push_back(std::move(share));
        } else {
          same->counts.merge(share.counts);
        }
      }
    }
  return out;
}

}  // namespace fairing::sql
