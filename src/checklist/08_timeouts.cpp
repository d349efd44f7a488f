// Point 8: timeout configured for all external calls. Read from the running configuration: each
// site's deadlines towards its upstreams, egress sites included; and the sql plane's limits.
//   fail      a timeout of a site is not finite
//   warn      one is over 5 minutes: it ends no call that matters; or a statement, or a transaction
//             that does nothing, may last for ever
//   pass      all are finite
//   not_seen  no site has an upstream, and there is no sql plane
// Calls of the backend that take no egress site cannot be seen; the evidence says so.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr milliseconds too_long{300'000};

// What a timeout is advised to be: the configuration's own defaults.
std::string_view advised(std::string_view name) {
  if (name == "connect") return "1s";
  if (name == "first_byte") return "15s";
  return "60s";
}

// Without user and password.
std::string_view shown_url(std::string_view url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == url.npos ? 0 : scheme + 3;
  const auto end = std::min(url.find('/', begin), url.size());
  const auto at = url.substr(0, end).rfind('@');
  return url.substr(at == url.npos || at < begin ? begin : at + 1);
}

std::string upstreams_of(const site_facts& s) {
  std::string out;
  for (const auto& u : s.upstreams)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", shown_url(u));
  return out;
}

void judge_sql(const sql_evidence& sql, point& p, std::vector<finding>& findings) {
  const auto shown = [](milliseconds v) {
    return v.count() == 0 ? "without end" : format_duration(v);
  };
  const auto evidence =
      fmt::format("sql: connect {}, statement {}, transaction_idle {}, wait_timeout {}",
                  shown(sql.connect_limit), shown(sql.statement_limit),
                  shown(sql.transaction_idle_limit), shown(sql.wait_timeout));
  std::string keys;
  const auto judge = [&keys](std::string_view key, milliseconds value, std::string_view better) {
    if (value.count() == 0 || value > too_long)
      keys += fmt::format("{}{}: {}", keys.empty() ? "" : ", ", key, better);
  };
  judge("statement", sql.statement_limit, "30s");
  judge("transaction_idle", sql.transaction_idle_limit, "60s");
  if (keys.empty()) {
    if (p.evidence.size() < max_findings) p.evidence.push_back(evidence);
    return;
  }
  finding f;
  f.evidence = evidence;
  f.fix = {"# sql:", fmt::format("limits: {{ {} }}", keys)};
  findings.push_back(std::move(f));
}

// An attempt without end holds its job until the worker comes back.
void judge_queue(const queue_fact& q, point& p, std::vector<finding>& findings) {
  constexpr milliseconds longest{3'600'000};
  const auto evidence =
      fmt::format("queue {}: an attempt lasts {}", q.name,
                  q.timeout.count() == 0 ? "without end" : format_duration(q.timeout));
  if (q.timeout.count() > 0 && q.timeout <= longest) {
    if (q.timeout_is_default) return;  // in a row with its like
    if (p.evidence.size() < max_findings) p.evidence.push_back(evidence);
    return;
  }
  finding f;
  f.evidence = evidence;
  f.fix = {fmt::format("# jobs, queue {}; workers of long jobs extend their lease:", q.name),
           "timeout: 30s"};
  findings.push_back(std::move(f));
}

// They end, but after a time that nobody chose for them.
void name_defaults(const jobs_evidence& jobs, point& p) {
  constexpr std::size_t most_names = 5;
  std::string names;
  std::size_t count = 0;
  milliseconds timeout{0};
  for (const auto& q : jobs.queues) {
    if (!q.timeout_is_default || q.timeout.count() == 0) continue;
    timeout = q.timeout;
    if (++count <= most_names) names += (count > 1 ? ", " : "") + q.name;
  }
  if (count == 0) return;
  if (count > most_names) names += fmt::format(" and {} more", count - most_names);
  p.evidence.push_back(
      fmt::format("queue{} {}: an attempt lasts {}, the built-in default; say with `timeout` what "
                  "fits the jobs",
                  count > 1 ? "s" : "", names, format_duration(timeout)));
}

}  // namespace

point grade_timeouts(const snapshot&, facts_span sites, const sql_evidence& sql,
                     const jobs_evidence& jobs) {
  point p{8, "Timeout configured for all external calls", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  bool any = false;
  bool egress = false;
  for (const auto& s : sites) {
    if (s.upstreams.empty()) continue;
    any = true;
    egress = egress || s.egress;
    std::string values;
    std::string keys;
    bool unbounded = s.timeouts.empty();
    for (const auto& t : s.timeouts) {
      values += fmt::format("{}{} {}", values.empty() ? "" : ", ", t.name,
                            t.finite ? format_duration(t.value) : "without end");
      unbounded = unbounded || !t.finite;
      if (!t.finite || t.value > too_long)
        keys += fmt::format("{}{}: {}", keys.empty() ? "" : ", ", t.name, advised(t.name));
    }
    if (s.timeouts.empty()) {
      values = "none";
      keys = "connect: 1s, first_byte: 15s, idle: 60s, total: 60s";
    }
    finding f;
    f.severity = unbounded ? grade::fail : grade::warn;
    f.evidence = fmt::format("{}{} to {}: {}", s.egress ? "egress site " : "site ", s.name,
                             upstreams_of(s), values);
    if (keys.empty()) {
      if (p.evidence.size() < max_findings) p.evidence.push_back(std::move(f.evidence));
      continue;
    }
    f.fix = {fmt::format("# http, site {}:", yaml_text(s.name)),
             fmt::format("timeouts: {{ {} }}", keys)};
    findings.push_back(std::move(f));
  }
  if (sql.configured) judge_sql(sql, p, findings);
  for (const auto& q : jobs.queues) judge_queue(q, p, findings);
  if (!any && !sql.configured && jobs.queues.empty()) {
    p.evidence.emplace_back("no site has an upstream");
    return p;
  }
  p.result = grade::pass;
  if (!findings.empty()) p.evidence.clear();
  conclude(p, std::move(findings));
  name_defaults(jobs, p);
  if (!egress)
    p.evidence.emplace_back(
        "no egress site: calls of the backend to other services do not pass here and are not seen");
  return p;
}

}  // namespace fairing::checklist
