// Point 4: connection pooling configured. From the sql plane's pools: their size against the formula and
// max_connections, and what clients waited. What the busiest five minutes of the last hour say about the size is told
// with it, and is the fix where clients waited.
//   fail      the instances together may open more than PostgreSQL takes, or clients were turned away
//             for want of room
//   warn      tight; over twice the formula; the 95th percentile of waits is over 100 ms; or statements failed as
//             max_pinned connections were kept beyond a transaction
//   pass      every pool fits and nobody waits long
//   not_seen  no sql plane, or no client came yet
// Clients that got no connection as none could be opened are told of, and not graded: no size helps.
#include <fmt/format.h>

#include <algorithm>

#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::int64_t long_wait_us = 100'000;

std::vector<std::string> size_fix(const pool_fact& f) {
  const auto size = f.advised_size != 0 ? f.advised_size : f.formula;
  return {"# sql:", fmt::format("pool: {{ size: {} }}", size != 0 ? std::to_string(size) : "auto")};
}

// What follows from the figures, which are evidence.
std::string_view conclusion(std::string_view text) {
  const auto at = text.find(": ");
  return at == text.npos ? text : text.substr(at + 2);
}

// Of clients that wait: what was measured says; else more connections, where the database bears more.
std::vector<std::string> wait_fix(const pool_fact& f, const sizing_fact& s) {
  if (f.postgres_full)
    return {"# PostgreSQL's max_connections is reached: raise it, or make sql.pool.size smaller"};
  if (s.waits) {
    std::vector<std::string> out = {fmt::format("# {}", conclusion(s.text))};
    if (s.size > f.size) {
      out.emplace_back("# sql:");
      out.push_back(fmt::format("pool: {{ size: {} }}", s.size));
    }
    return out;
  }
  const auto size = f.advised_size != 0 ? f.advised_size : f.formula;
  if (size == 0 || size > f.size) return size_fix(f);
  return {
      "# sql.pool.size is as large as the database bears: look for transactions that are held open "
      "(SHOW CLIENTS), and end them by sql.limits.transaction_idle"};
}

std::string pins_text(const pool_fact& f) {
  return fmt::format("{} of at most {} are kept now, since the start: {}", f.pinned, f.max_pinned,
                     f.pins.empty() ? "none" : f.pins);
}

std::string statements_were(std::uint64_t n) {
  return n == 1 ? "a statement was" : fmt::format("{} statements were", n);
}

std::vector<std::string> pin_fix(const pool_fact& f) {
  std::vector<std::string> out = {
      "# what keeps connections (LISTEN, temporary tables, locks) belongs on a port of its own",
      "# sql:", "session_listen: 127.0.0.1:6433"};
  if (f.max_pinned * 4 < f.size * 3) out.emplace_back("pool: { max_pinned: 75% }  # or this");
  return out;
}

void judge(const pool_fact& f, const sizing_fact& s, std::vector<finding>& findings) {
  const auto add = [&](grade severity, double weight, std::string evidence,
                       std::vector<std::string> fix) {
    findings.push_back({severity, weight, std::move(evidence), std::move(fix)});
  };
  if (f.fit == pool_fit::too_many)
    add(grade::fail, 2, fmt::format("{}: {}", f.name, f.fit_text), size_fix(f));
  if (f.timeouts != 0)
    add(grade::fail, 1,
        fmt::format("{}: {} turned away after waiting (SQLSTATE 53300)", f.name,
                    clients_were(f.timeouts)),
        wait_fix(f, s));
  if (f.fit == pool_fit::tight)
    add(grade::warn, 2, fmt::format("{}: {}", f.name, f.fit_text), size_fix(f));
  if (f.leases >= min_samples && f.wait_p95_us > long_wait_us)
    add(grade::warn, 1,
        fmt::format("{}: {} of {} leases waited, the 95th percentile {}", f.name, f.waited,
                    f.leases, show_us(f.wait_p95_us)),
        wait_fix(f, s));
  if (f.pins_refused != 0)
    add(grade::warn, 1,
        fmt::format("{}: {} refused (SQLSTATE 53300) as they would have kept a connection beyond "
                    "the transaction; {}",
                    f.name, statements_were(f.pins_refused), pins_text(f)),
        pin_fix(f));
  if (f.formula != 0 && f.size > 2 * f.formula)
    add(grade::warn, 0,
        fmt::format(
            "{}: {} connections; the database's cores and disks bear {} (cores * 2 + spindles)",
            f.name, f.size, f.formula),
        size_fix(f));
}

std::string unserved_text(const pool_fact& f) {
  const auto last = f.last_fault.empty() ? std::string("Fairing was stopping, or it was paused")
                                         : "the last error of opening one: " + f.last_fault;
  return fmt::format("{}: {} given no connection, though not for want of room; {}", f.name,
                     clients_were(f.unserved), last);
}

}  // namespace

point grade_pooling(const sql_evidence& sql) {
  constexpr std::string_view title = "Connection pooling configured";
  if (!sql.configured) return without_sql(4, title);
  point p{4, std::string(title), grade::not_seen, {}, {}};
  std::vector<finding> findings;
  for (const auto& f : sql.pools) judge(f, sql.sizing, findings);
  // Connections may have been opened ahead of the first client.
  const bool nobody = std::ranges::all_of(
      sql.pools, [](const pool_fact& f) { return f.leases == 0 && f.unserved == 0; });
  if (findings.empty() && nobody) {
    p.evidence.emplace_back("no client has connected yet");
    if (!sql.upstream_fault.empty()) p.evidence.push_back("PostgreSQL: " + sql.upstream_fault);
    return p;
  }
  if (findings.empty()) {
    p.result = grade::pass;
    for (const auto& f : sql.pools) {
      if (p.evidence.size() == max_findings) break;
      p.evidence.push_back(
          fmt::format("{}: {} connections (formula {}); {} of {} leases waited, the 95th "
                      "percentile {}{}",
                      f.name, f.size, f.formula, f.waited, f.leases, show_us(f.wait_p95_us),
                      f.pins.empty() ? "" : "; pinned: " + pins_text(f)));
    }
  }
  conclude(p, std::move(findings));
  if (!sql.sizing.text.empty()) p.evidence.push_back("all pools: " + sql.sizing.text);
  for (const auto& f : sql.pools)
    if (f.unserved != 0 && p.evidence.size() <= max_findings)
      p.evidence.push_back(unserved_text(f));
  return p;
}

}  // namespace fairing::checklist
