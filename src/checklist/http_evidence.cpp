#include "checklist/http_evidence.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/short_lock.hpp"
#include "checklist/path_template.hpp"
#include "checklist/row_table.hpp"

namespace fairing::checklist {

namespace {

// Which shard a thread writes: threads are dealt out in turn.
std::size_t thread_number() noexcept {
  static constinit std::atomic<std::size_t> next{0};
  static thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

// As rows have it: none is the fallback's.
std::string_view route_of(const http_exchange& e) noexcept {
  return e.route == "(default)" ? std::string_view{} : e.route;
}

row_key key_of(const http_exchange& e, template_buffer& buffer) noexcept {
  const auto route = route_of(e);
  const bool by_path = route.empty() || route.ends_with("**") ||
                       (e.state_changing && !e.rate_limited_route && is_login_like(e.path));
  if (!by_path) return {e.site, route, {}, row_method_of(e.method)};
  if (e.status == 404 || e.status == 405 || e.status == 400)
    return {e.site, {}, "(not found)", row_method::not_of_path};
  return {e.site, route, path_template(e.path, buffer), row_method_of(e.method)};
}

void add(row_counts& c, const http_exchange& e) noexcept {
  ++c.requests;
  c.by_tier += e.served_by_tier ? 1 : 0;
  c.state_changing += e.state_changing ? 1 : 0;
  c.limited += e.rate_limited_route ? 1 : 0;
  if (!e.streaming) c.durations.add(e.duration_us);
  if (e.compress_asked && e.compressible && e.status != 206) {
    if (e.encoded) {
      ++c.encoded_answers;
      c.encoded_bytes += e.body_bytes;
    } else if (e.body_bytes >= compress_from_bytes) {
      ++c.plain_answers;
      c.plain_bytes += e.body_bytes;
    }
  }
  if (e.longest_json_array > 0) {
    ++c.lists;
    c.long_lists += e.longest_json_array > long_list ? 1 : 0;
    c.longest_list = std::max(c.longest_list, e.longest_json_array);
  }
}

bool is_measured(const http_exchange& e) noexcept {
  return e.status == 200 && !e.served_by_tier && !e.streaming && e.method == "GET" &&
         e.key_hash != 0 && e.body_hash != 0;
}

void add(row_counts& c, repeat_table::outcome outcome, std::int64_t duration_us) noexcept {
  ++c.measured;
  if (outcome == repeat_table::outcome::repeat) {
    ++c.repeats;
    c.repeats_us += std::max<std::int64_t>(duration_us, 0);
  } else if (outcome == repeat_table::outcome::changed) {
    ++c.changed;
  }
}

}  // namespace

struct alignas(64) http_evidence::shard {
  mutable short_lock lock;
  row_table current;
  row_table previous;  // the last hour that had traffic
};

http_evidence::http_evidence(std::size_t shards) {
  static_assert(max_rows == row_table::max_rows);
  for (std::size_t i = 0; i < std::max<std::size_t>(shards, 1); ++i)
    shards_.push_back(std::make_unique<shard>());
}
http_evidence::~http_evidence() = default;

void http_evidence::record(const http_exchange& e, mono_time now) {
  const bool measured = is_measured(e);
  const auto outcome =
      measured ? repeats_.see(e.key_hash, e.body_hash, now) : repeat_table::outcome::first;
  const auto hour = now.time_since_epoch() / generation;

  auto& s = *shards_[thread_number() % shards_.size()];
  const std::lock_guard lock(s.lock);
  if (hour > s.current.generation) {
    if (s.current.generation >= 0) std::swap(s.current, s.previous);
    s.current.clear();
    s.current.generation = hour;
    s.current.first = now;
    s.current.last = now;
  }
  s.current.last = std::max(s.current.last, now);
  auto& counts = s.current.at(e.likeness, e.site, route_of(e), [&e] {
    template_buffer buffer;
    return key_of(e, buffer);
  });
  add(counts, e);
  if (measured) add(counts, outcome, e.duration_us);
}

snapshot http_evidence::take() const {
  // The two newest hours of any shard: one that was idle since must not bring older ones.
  std::array<std::int64_t, 2> hours{-1, -1};
  std::array<std::pair<mono_time, mono_time>, 2> spans;
  row_table sum;
  const auto each = [this](auto&& visit) {
    for (const auto& s : shards_) {
      const std::lock_guard lock(s->lock);
      for (const auto* table : {&s->current, &s->previous})
        if (table->generation >= 0) visit(*table);
    }
  };
  each([&](const row_table& t) {
    if (t.generation > hours[0])
      hours = {t.generation, hours[0]};
    else if (t.generation < hours[0])
      hours[1] = std::max(hours[1], t.generation);
  });
  std::array<bool, 2> any{};
  each([&](const row_table& t) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (t.generation != hours[i]) continue;
      auto& [first, last] = spans[i];
      first = any[i] ? std::min(first, t.first) : t.first;
      last = any[i] ? std::max(last, t.last) : t.last;
      any[i] = true;
      for (const auto& row : t.rows()) sum.at(row.key).merge(row.counts);
    }
  });

  snapshot out;
  for (std::size_t i = 0; i < 2; ++i)
    if (any[i]) out.span += spans[i].second - spans[i].first;
  for (const auto& entry : sum.rows()) {
    if (entry.counts.requests == 0) continue;
    auto r = row_table::unpack(entry.key);
    r.counts = entry.counts;
    out.requests += entry.counts.requests;
    out.rows.push_back(std::move(r));
  }
  if (!sum.rows().empty()) out.in_other_row = sum.rows().front().counts.requests;
  std::ranges::sort(out.rows, [](const row& a, const row& b) {
    if (a.counts.requests != b.counts.requests) return a.counts.requests > b.counts.requests;
    return std::tie(a.site, a.path, a.route, a.method) <
           std::tie(b.site, b.path, b.route, b.method);
  });
  return out;
}

void http_evidence::retain(const std::function<bool(const row&)>& holds) {
  bool dropped = false;
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->lock);
    for (auto* table : {&s->current, &s->previous}) dropped = table->retain(holds) || dropped;
  }
  if (dropped) repeats_.reset();
}

void http_evidence::reset() {
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->lock);
    s->current.clear();
    s->previous.clear();
  }
  repeats_.reset();
}

}  // namespace fairing::checklist
