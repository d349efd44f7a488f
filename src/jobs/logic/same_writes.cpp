#include "jobs/logic/same_writes.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace fairing::jobs {

using bus::write;
using bus::write_kind;
using bus::write_set;

std::string_view to_string(verdict v) noexcept {
  constexpr std::array<std::string_view, verdict_count> words{"idempotent", "not_idempotent",
                                                              "unclear", "not_seen"};
  return words[static_cast<std::size_t>(v)];
}

std::string_view to_string(verdict_reason r) noexcept {
  constexpr std::array<std::string_view, 15> words{
      "wrote_nothing",   "wrote_the_same", "added_rows",       "relative", "other_values",
      "other_statement", "failed",         "failed_elsewhere", "opaque",   "deleted_again",
      "values_unknown",  "incomplete",     "undone_in_part",   "no_trace", "not_watched"};
  return words[static_cast<std::size_t>(r)];
}

namespace {

bool adds(const write& w) noexcept {
  return w.kind == write_kind::insert || w.kind == write_kind::insert_or_nothing;
}
bool clears(const write& w) noexcept {
  return w.kind == write_kind::remove || w.kind == write_kind::truncate;
}

class runs {
 public:
  runs(const write_set& first, const write_set& second)
      : first_(first), second_(second), used_(first.writes.size(), false) {}

  [[nodiscard]] comparison compare() {
    comparison worst{verdict::idempotent, verdict_reason::wrote_nothing, {}, 0, 0};
    for (std::size_t i = 0; i < second_.writes.size(); ++i) {
      auto one = judge(i);
      if (severity(one) > severity(worst)) worst = std::move(one);
    }
    return worst;
  }

 private:
  static int severity(const comparison& c) noexcept {
    if (c.what == verdict::not_idempotent) return 3;
    if (c.what == verdict::unclear) return 2;
    return c.why == verdict_reason::wrote_the_same ? 1 : 0;
  }

  static comparison told(const write& w, const write* before, verdict what, verdict_reason why) {
    return {what, why, w.statement ? *w.statement : std::string(),
            before != nullptr ? before->rows : 0, w.rows};
  }

  // The first run's write with the same text and values that no other of the second run was matched with.
  const write* twin(const write& w) {
    for (std::size_t i = 0; i < first_.writes.size(); ++i) {
      const auto& f = first_.writes[i];
      if (used_[i] || w.values == 0 || f.values != w.values || f.kind != w.kind) continue;
      used_[i] = true;
      return &f;
    }
    return nullptr;
  }
  // Its write with the same text and any values.
  [[nodiscard]] const write* like(const write& w) const {
    const auto at = std::ranges::find_if(first_.writes, [&](const write& f) {
      return f.kind == w.kind && f.statement && w.statement && *f.statement == *w.statement;
    });
    return at == first_.writes.end() ? nullptr : &*at;
  }

  // Rows of a table that a run put there after it had cleared it.
  [[nodiscard]] std::uint64_t put(std::uint32_t table) const {
    std::uint64_t rows = 0;
    for (const auto& f : first_.writes)
      if (f.table == table && adds(f)) rows += f.rows;
    return rows;
  }
  // Did the second run, before its i-th write, take away just what the first had put into the table?
  [[nodiscard]] bool cleared_before(std::size_t i, std::uint32_t table) const {
    if (table == 0) return false;
    std::uint64_t rows = 0;
    for (std::size_t n = 0; n < i; ++n) {
      const auto& w = second_.writes[n];
      if (w.table != table || !clears(w)) continue;
      if (w.kind == write_kind::truncate) return true;
      rows += w.rows;
    }
    return rows > 0 && rows == put(table);
  }

  comparison judge(std::size_t i) {
    const auto& w = second_.writes[i];
    const auto* before = twin(w);
    const auto* near = before != nullptr ? before : like(w);
    const auto as = [&](verdict what, verdict_reason why) { return told(w, near, what, why); };
    const auto same = [&] { return as(verdict::idempotent, verdict_reason::wrote_the_same); };
    if (w.kind == write_kind::opaque) return as(verdict::unclear, verdict_reason::opaque);
    if (w.kind == write_kind::none || w.rows == 0)
      return {verdict::idempotent, verdict_reason::wrote_nothing, {}, 0, 0};
    if (w.kind == write_kind::truncate) return same();
    if (adds(w)) {
      const bool replaces =
          before != nullptr && before->rows == w.rows && !w.relative && cleared_before(i, w.table);
      return replaces ? same() : as(verdict::not_idempotent, verdict_reason::added_rows);
    }
    if (w.kind == write_kind::remove) {
      if (w.values == 0) return as(verdict::unclear, verdict_reason::values_unknown);
      if (before == nullptr) return unlike(w, near);
      return w.table != 0 && w.rows == put(w.table)
                 ? same()
                 : as(verdict::unclear, verdict_reason::deleted_again);
    }
    if (w.relative) return as(verdict::not_idempotent, verdict_reason::relative);
    if (w.values == 0) return as(verdict::unclear, verdict_reason::values_unknown);
    return before != nullptr ? same() : unlike(w, near);
  }

  static comparison unlike(const write& w, const write* near) {
    return told(w, near, verdict::not_idempotent,
                near != nullptr ? verdict_reason::other_values : verdict_reason::other_statement);
  }

  const write_set& first_;
  const write_set& second_;
  std::vector<bool> used_;
};

}  // namespace

comparison compare_runs(const std::optional<write_set>& first,
                        const std::optional<write_set>& second, bool second_failed) {
  if (!first || !second) return {verdict::not_seen, verdict_reason::not_watched, {}, 0, 0};
  // A second run that ended well without a statement may have looked elsewhere whether it had run, or its trace was lost.
  if (first->statements == 0 || (second->statements == 0 && !second_failed))
    return {verdict::not_seen, verdict_reason::no_trace, {}, 0, 0};
  auto out = runs(*first, *second).compare();
  if (out.what == verdict::not_idempotent) return out;
  if (second_failed && second->failures > 0)
    return {verdict::not_idempotent, verdict_reason::failed, {}, 0, 0};
  if (second_failed) return {verdict::unclear, verdict_reason::failed_elsewhere, {}, 0, 0};
  if (out.what == verdict::unclear) return out;
  if (first->incomplete || second->incomplete)
    return {verdict::unclear, verdict_reason::incomplete, {}, 0, 0};
  if (first->undone_in_part || second->undone_in_part)
    return {verdict::unclear, verdict_reason::undone_in_part, {}, 0, 0};
  return out;
}

}  // namespace fairing::jobs
