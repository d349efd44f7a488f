#include "jobs/session/job_json.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "base/json.hpp"
#include "base/json_scan.hpp"
#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

void append_base64(std::string& out, std::string_view bytes) {
  const auto at = out.size();
  out.resize(at + (bytes.size() + 2) / 3 * 4 + 1);  // and the NUL that is written
  ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + at),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
  out.pop_back();
}

// Printable text in UTF-8?
bool is_text(std::string_view bytes) {
  std::string quoted;
  append_json_string(quoted, bytes);
  return json_string(quoted) == bytes;
}

void append_content(std::string& out, std::string_view name, std::string_view bytes,
                    std::string_view content_type) {
  out += ",\"";
  out += name;
  if (is_json_type(content_type) && json_valid(bytes)) {
    out += "\":";
    out += bytes;
  } else if (is_text(bytes)) {
    out += "\":";
    append_json_string(out, bytes);
  } else {
    out += "_base64\":\"";
    append_base64(out, bytes);
    out += '"';
  }
}

void append_number(std::string& out, std::string_view name, std::uint64_t n) {
  out += ",\"";
  out += name;
  out += "\":";
  fmt::format_to(std::back_inserter(out), "{}", n);
}

void append_history(std::string& out, const job& j) {
  out += R"(,"attempts":[)";
  for (std::size_t i = 0; i < j.history.size(); ++i) {
    const auto& a = j.history[i];
    fmt::format_to(std::back_inserter(out), "{}{{\"attempt\":{}", i == 0 ? "" : ",", a.attempt);
    append_time(out, "began", a.began_ms);
    append_time(out, "ended", a.ended_ms);
    if (!a.error.empty()) append_member(out, "error", a.error);
    if (a.lease_expired) out += R"(,"lease_expired":true)";
    out += '}';
  }
  out += ']';
}

void append_fields(std::string& out, const job& j) {
  if (j.fields.empty()) return;
  out += R"(,"fields":{)";
  for (std::size_t i = 0; i < j.fields.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, j.fields[i].first);
    out += ':';
    append_json_string(out, j.fields[i].second);
  }
  out += '}';
}

std::string_view last_error(const job& j) {
  for (auto a = j.history.rbegin(); a != j.history.rend(); ++a)
    if (!a->error.empty()) return a->error;
  return {};
}

// When a scheduled job comes due, on the wall clock; 0: it is not scheduled, or waits for its batch to end.
std::int64_t next_attempt_ms(const job& j, plane_time now) {
  constexpr std::int64_t far_off = INT64_MAX / 8;
  if (j.state != job_state::scheduled || now.wall_ms == 0 || j.due_ms > far_off) return 0;
  return j.due_clock == clock_kind::wall ? j.due_ms : now.wall_ms + j.due_ms - now.steady_ms;
}

// What came of running jobs twice; nothing where none was.
void append_verified(std::string& out, double share, const verified_summary& v) {
  if (share <= 0 && std::ranges::all_of(v.counts, [](std::uint64_t n) { return n == 0; })) return;
  fmt::format_to(std::back_inserter(out), R"(,"verified":{{"share":{:g})", share);
  for (std::size_t i = 0; i < verdict_count; ++i)
    append_number(out, to_string(static_cast<verdict>(i)), v.counts[i]);
  out += R"(,"findings":[)";
  for (std::size_t i = 0; i < v.findings.size(); ++i) {
    const auto& f = v.findings[i];
    out += i == 0 ? R"({"job":")" : R"(,{"job":")";
    out += id_text(f.id);
    out += '"';
    append_member(out, "verdict", to_string(f.what.what));
    append_member(out, "reason", to_string(f.what.why));
    append_time(out, "seen", f.wall_ms);
    if (!f.what.statement.empty()) {
      append_member(out, "statement", f.what.statement);
      append_number(out, "rows_first", f.what.rows_first);
      append_number(out, "rows_second", f.what.rows_second);
    }
    out += '}';
  }
  out += "]}";
}

}  // namespace

bool is_json_type(std::string_view content_type) noexcept {
  const auto type = trim_ows(content_type.substr(0, content_type.find(';')));
  return iequals(type, "application/json") || type.ends_with("+json");
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
}

void append_time(std::string& out, std::string_view name, std::int64_t wall_ms) {
  if (wall_ms == 0) return;
  out += ",\"";
  out += name;
  out += "\":\"";
  append_rfc3339(out, wall_ms);
  out += '"';
}

void append_job(std::string& out, const job& j, std::string_view queue, const job_parts& parts) {
  out += R"({"id":")";
  out += id_text(j.id);
  out += '"';
  append_member(out, "queue", queue);
  append_member(out, "state", to_string(j.state));
  append_number(out, "attempt", j.attempt);
  if (j.priority != 0) fmt::format_to(std::back_inserter(out), ",\"priority\":{}", j.priority);
  if (!j.key.empty()) append_member(out, "key", j.key);
  if (!j.unique.empty()) append_member(out, "unique", j.unique);
  if (!j.trace.empty()) append_member(out, "trace", j.trace);
  if (j.batch != 0) append_member(out, "batch", id_text(j.batch));
  append_time(out, "created", j.created_ms);
  append_time(out, "next_attempt", next_attempt_ms(j, parts.now));
  append_time(out, "finished", j.finished_ms);
  if (!j.progress.empty()) append_member(out, "progress", j.progress);
  if (const auto e = last_error(j); !e.empty()) append_member(out, "error", e);
  if (succeeded_before(j) && !finished(j.state)) out += R"(,"verify":true)";
  if (parts.history) append_history(out, j);
  if (parts.payload) {
    append_member(out, "content_type", j.content_type);
    append_content(out, "payload", visible_payload(j), j.content_type);
    append_fields(out, j);
  }
  out += '}';
}

void append_lease(std::string& out, const leased_job& l) {
  const auto& j = l.work;
  out += R"({"id":")";
  out += id_text(j.id);
  out += R"(","lease":")";
  out += token_text(l.token);
  out += '"';
  append_number(out, "attempt", j.attempt);
  if (l.run == verify_run::second) out += R"(,"verify":true)";
  append_time(out, "deadline", l.deadline_ms);
  if (!j.key.empty()) append_member(out, "key", j.key);
  if (!is_json_type(j.content_type)) append_member(out, "content_type", j.content_type);
  append_content(out, "payload", j.payload, j.content_type);
  append_fields(out, j);
  out += '}';
}

void append_queue(std::string& out, const engine::queue_state& q, const verified_summary& verified,
                  std::int64_t wall_ms) {
  out += R"({"name":)";
  append_json_string(out, q.row.name);
  out += q.row.paused ? R"(,"paused":true,"depth":{)" : R"(,"paused":false,"depth":{)";
  for (std::size_t i = 0; i < job_state_count; ++i)
    fmt::format_to(std::back_inserter(out), "{}\"{}\":{}", i == 0 ? "" : ",",
                   to_string(static_cast<job_state>(i)), q.counts.of[i]);
  out += '}';
  append_number(out, "waiting_for_key", q.counts.parked);
  const auto oldest = q.counts.oldest_ready_ms;
  append_number(
      out, "oldest_age_ms",
      oldest == 0 ? 0 : static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall_ms - oldest)));
  fmt::format_to(std::back_inserter(out),
                 R"(,"arrivals_per_second":{:.2f},"finished_per_second":{:.2f})",
                 q.arrivals_a_second, q.finished_a_second);
  append_number(out, "expired", q.expired);
  append_number(out, "redriving", q.redriving);
  // How long the backlog lasts at the rates of the last minute; null while it does not shrink.
  const auto waiting = static_cast<double>(q.counts.of[0]);
  const auto gain = q.finished_a_second - q.arrivals_a_second;
  if (waiting == 0)
    out += R"(,"seconds_to_drain":0)";
  else if (gain > 0)
    fmt::format_to(std::back_inserter(out), R"(,"seconds_to_drain":{:.0f})", waiting / gain);
  else
    out += R"(,"seconds_to_drain":null)";
  append_number(out, "timeout_ms", static_cast<std::uint64_t>(q.config.timeout.count()));
  out += R"(,"attempts_ms":[)";
  for (std::size_t i = 0; i < q.config.attempts.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",",
                   q.config.attempts[i].count());
  out += ']';
  if (!q.config.push.empty()) append_member(out, "push", q.config.push);
  append_verified(out, q.config.verify_idempotency, verified);
  out += '}';
}

void append_error_group(std::string& out, const error_group& g, std::string_view queue) {
  out += R"({"error":)";
  append_json_string(out, g.error);
  append_member(out, "queue", queue);
  append_number(out, "count", g.count);
  append_time(out, "first_seen", g.first_ms);
  append_time(out, "last_seen", g.last_ms);
  append_member(out, "sample", id_text(g.sample));
  out += '}';
}

}  // namespace fairing::jobs
