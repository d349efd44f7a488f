#include "app/cli_top.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "app/cli_render.hpp"
#include "base/ascii.hpp"
#include "base/units.hpp"

namespace fairing::app {

namespace {

using nlohmann::json;

constexpr std::size_t max_samples = 20'000;
constexpr std::size_t most_queues = 10;

// Reads NAME="VALUE"[,] pairs up to `}`; nullopt if they are malformed. `at` is moved behind the
// brace.
bool parse_labels(std::string_view line, std::size_t& at, std::map<std::string, std::string>& out) {
  while (at < line.size() && line[at] != '}') {
    const auto equals = line.find("=\"", at);
    if (equals == std::string_view::npos) return false;
    const std::string name(trim_ows(line.substr(at, equals - at)));
    std::string value;
    at = equals + 2;
    while (at < line.size() && line[at] != '"') {
      if (line[at] == '\\' && at + 1 < line.size()) ++at;
      value += line[at++];
    }
    if (at >= line.size()) return false;
    ++at;
    if (at < line.size() && line[at] == ',') ++at;
    out[name] = value;
  }
  if (at >= line.size()) return false;
  ++at;
  return true;
}

std::optional<sample> parse_line(std::string_view line) {
  if (line.empty() || line[0] == '#') return std::nullopt;
  sample s;
  std::size_t at = line.find_first_of("{ ");
  if (at == std::string_view::npos) return std::nullopt;
  s.name = line.substr(0, at);
  if (line[at] == '{') {
    ++at;
    if (!parse_labels(line, at, s.labels)) return std::nullopt;
  }
  const auto number = trim_ows(line.substr(at));
  const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), s.value);
  if (failed != std::errc{} || !std::isfinite(s.value)) return std::nullopt;
  return s;
}

bool has_http(const samples& all) {
  return std::ranges::any_of(all, [](const sample& s) {
    if (s.name == "http_server_request_duration_seconds_count") return true;
    const auto plane = s.labels.find("plane");
    return s.name == "fairing_pool_size" && plane != s.labels.end() && plane->second == "http";
  });
}

double total(const samples& all, std::string_view name) { return sum_by(all, name, "")[""]; }

// What is shown: a metric, split by a label.
struct row {
  const char* title;
  const char* metric;
  const char* label;
  bool of_http = false;
};
constexpr row counters[] = {
    {"requests", "http_server_request_duration_seconds_count", "http_response_status_class", true},
    {"cache", "fairing_cache_requests_total", "result", true},
    {"rate limit", "fairing_ratelimit_total", "decision", true},
    {"purges", "fairing_purge_total", "source", true},
    {"pool closed", "fairing_pool_closed_total", "reason"},
};
constexpr row gauges[] = {
    {"pool size", "fairing_pool_size", ""},
    {"pool leased", "fairing_pool_leased", ""},
    {"pool idle", "fairing_pool_idle", ""},
    {"pool waiting", "fairing_pool_waiting", ""},
};

// A member as a number; 0 if it is none.
double number(const json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

std::string text(const json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at != object.end() && at->is_string() ? printable(at->get<std::string>()) : std::string();
}

double depth(const json& queue, const char* state) {
  const auto at = queue.is_object() ? queue.find("depth") : queue.end();
  return at == queue.end() ? 0 : number(*at, state);
}

std::string queue_rows(std::string_view answer) {
  const auto body = json::parse(answer, nullptr, false);
  if (const auto why = text(body, "detail"); !why.empty()) return fmt::format("jobs: {}\n", why);
  const auto items = body.is_object() ? body.find("items") : body.end();
  if (items == body.end() || !items->is_array() || items->empty()) return {};
  std::vector<json> all(items->begin(), items->end());
  std::ranges::sort(all, {}, [](const json& q) {
    return std::pair(-depth(q, "queued") - depth(q, "leased"), text(q, "name"));
  });
  auto out = fmt::format("{:<24} {:>9} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9}\n", "QUEUE", "queued",
                         "scheduled", "leased", "dead", "oldest", "in", "out");
  for (std::size_t i = 0; i < std::min(all.size(), most_queues); ++i) {
    const auto& q = all[i];
    out +=
        fmt::format("{:<24} {:>9.0f} {:>9.0f} {:>7.0f} {:>7.0f} {:>8.1f}s {:>7.1f}/s {:>7.1f}/s\n",
                    text(q, "name"), depth(q, "queued"), depth(q, "scheduled"), depth(q, "leased"),
                    depth(q, "dead"), number(q, "oldest_age_ms") / 1000,
                    number(q, "arrivals_per_second"), number(q, "finished_per_second"));
  }
  if (all.size() > most_queues)
    out += fmt::format("and {} more: fairing jobs ls\n", all.size() - most_queues);
  return out;
}

}  // namespace

bool has_jobs(const samples& all) {
  return std::ranges::find(all, "fairing_jobs_store_up", &sample::name) != all.end();
}

samples parse_metrics(std::string_view text) {
  samples out;
  while (!text.empty() && out.size() < max_samples) {
    const auto end = text.find('\n');
    if (auto s = parse_line(text.substr(0, end))) out.push_back(std::move(*s));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::map<std::string, double> sum_by(const samples& all, std::string_view name,
                                     const std::string& label) {
  std::map<std::string, double> out;
  for (const auto& s : all) {
    if (s.name != name) continue;
    const auto found = s.labels.find(label);
    out[found == s.labels.end() ? std::string{} : found->second] += s.value;
  }
  return out;
}

std::string frame(const samples& now, std::string_view queues, const samples* before,
                  double seconds) {
  std::string out;
  const bool http = has_http(now);
  const auto rate_of = [&](double value, double old) {
    return before == nullptr || seconds <= 0
               ? std::string{}
               : fmt::format("{:>12.0f}/s", std::max(0.0, value - old) / seconds);
  };
  for (const auto& r : counters) {
    const auto sums = sum_by(now, r.metric, r.label);
    if (sums.empty() || (r.of_http && !http)) continue;
    auto old =
        before == nullptr ? std::map<std::string, double>{} : sum_by(*before, r.metric, r.label);
    out += fmt::format(
        "{:<12}  {:<14}{:>14.0f}{}\n", r.title, "", total(now, r.metric),
        rate_of(total(now, r.metric), before == nullptr ? 0 : total(*before, r.metric)));
    for (const auto& [label, value] : sums)
      if (!label.empty())
        out += fmt::format("{:<12}  {:<14}{:>14.0f}{}\n", "", printable(label), value,
                           rate_of(value, old[label]));
  }
  const auto hits = sum_by(now, "fairing_cache_requests_total", "result");
  const auto all = total(now, "fairing_cache_requests_total");
  if (const auto hit = hits.find("hit"); hit != hits.end() && all > 0)
    out += fmt::format("{:<12}  {:<14}{:>13.1f}%\n", "hit share", "", 100 * hit->second / all);
  if (const auto bytes = total(now, "fairing_cache_bytes"); bytes > 0 && http)
    out += fmt::format("{:<12}  {:<14}{:>14.1f} MiB\n", "cache bytes", "", bytes / (1024.0 * 1024));
  for (const auto& r : gauges)
    if (const auto sums = sum_by(now, r.metric, r.label); !sums.empty())
      out += fmt::format("{:<12}  {:<14}{:>14.0f}\n", r.title, "", total(now, r.metric));
  const auto rows = queues.empty() ? std::string() : queue_rows(queues);
  if (!out.empty() && !rows.empty()) out += '\n';
  out += rows;
  return out.empty() ? "no counters yet\n" : out;
}

std::string frame_json(const samples& now, std::string_view queues) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& r : counters)
    if (const auto sums = sum_by(now, r.metric, r.label); !sums.empty()) {
      auto& part = out[r.metric];
      for (const auto& [label, value] : sums) part[label.empty() ? "total" : label] = value;
    }
  for (const auto& r : gauges)
    if (!sum_by(now, r.metric, r.label).empty()) out[r.metric] = total(now, r.metric);
  out["fairing_cache_bytes"] = total(now, "fairing_cache_bytes");
  if (const auto body = nlohmann::ordered_json::parse(queues, nullptr, false);
      body.is_object() && body.contains("items"))
    out["queues"] = body["items"];
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace fairing::app
