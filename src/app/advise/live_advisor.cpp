#include "app/advise/live_advisor.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "app/advise/postgres_catalogue.hpp"
#include "app/advise/postgres_planner.hpp"
#include "base/log.hpp"

namespace fairing::app::advise {

namespace {

constexpr std::size_t plans_a_round = 500;
constexpr std::chrono::seconds time_of_round{30};
constexpr milliseconds second_round{10'000};  // after the first, which finds no statements yet

// The names of an index' columns, if it tells all rows apart; else empty.
std::vector<std::string> columns_of_key(const indexes::catalogue& c, const indexes::table& t,
                                        const indexes::index& i) {
  std::vector<std::string> out;
  if (i.table != t.id || !i.unique || !i.plain()) return out;
  for (const auto number : i.keys) {
    const auto* column = t.find(number);
    if (column == nullptr || !column->not_null) return {};
    out.push_back(indexes::quoted(column->name, c.kind));
  }
  return out;
}

std::vector<std::string> key_of(const indexes::catalogue& c, const indexes::table& t) {
  std::vector<std::string> best;
  for (const auto& i : c.indexes) {
    auto columns = columns_of_key(c, t, i);
    if (i.primary && !columns.empty()) return columns;
    if (best.empty() || (!columns.empty() && columns.size() < best.size()))
      best = std::move(columns);
  }
  return best;
}

std::vector<table_size> sizes_of(const indexes::catalogue& c) {
  std::vector<table_size> out;
  out.reserve(c.tables.size());
  for (const auto& t : c.tables) out.push_back({t.schema, t.name, t.visible, t.rows, key_of(c, t)});
  return out;
}

}  // namespace

std::string_view name_of(round_outcome o) noexcept {
  switch (o) {
    case round_outcome::advised:
      return "advised";
    case round_outcome::unchanged:
      return "unchanged";
    case round_outcome::failed:
      return "failed";
  }
  return "";
}

std::optional<std::uint64_t> live_advice::rows_of(const std::vector<std::string>& names) const {
  std::optional<std::uint64_t> most;
  for (const auto& name : names)
    if (const auto* t = find(name); t != nullptr && t->rows >= 0)
      most = std::max(most.value_or(0), static_cast<std::uint64_t>(t->rows));
  return most;
}

std::optional<std::vector<std::string>> live_advice::key_of(
    const std::vector<std::string>& names) const {
  bool has_id = false;
  for (const auto& name : names) {
    const auto* t = find(name);
    if (t == nullptr) return std::nullopt;
    if (names.size() == 1) return t->key;
    has_id = has_id || std::ranges::find(t->key, "id") != t->key.end();
  }
  if (has_id || names.empty()) return std::nullopt;
  return std::vector<std::string>{};
}

const table_size* live_advice::find(const std::string& name) const {
  const auto dot = name.rfind('.');
  const auto t = std::ranges::find_if(tables, [&](const table_size& x) {
    if (dot == std::string::npos) return x.visible && x.name == name;
    return x.schema == name.substr(0, dot) && x.name == name.substr(dot + 1);
  });
  return t == tables.end() ? nullptr : &*t;
}

live_advisor::live_advisor(live_hooks hooks)
    : hooks_(std::move(hooks)), thread_([this] { run(); }) {}

live_advisor::~live_advisor() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::shared_ptr<const live_advice> live_advisor::latest() const {
  std::lock_guard lock(mutex_);
  return latest_;
}

void live_advisor::publish(live_advice next) {
  auto made = std::make_shared<const live_advice>(std::move(next));
  std::lock_guard lock(mutex_);
  latest_ = std::move(made);
}

bool live_advisor::wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stop_.load(); });
}

void live_advisor::run() {
  ::pthread_setname_np(::pthread_self(), "index-advice");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
  auto next = second_round;
  for (;;) {
    const auto s = hooks_.settings();
    round(s);
    if (!wait(std::min(next, s.every))) return;
    next = s.every;
  }
}

void live_advisor::round(const live_settings& s) {
  auto next = *latest();
  next.off = !s.why_off.empty();
  if (next.off) {
    if (next.why == s.why_off) return;
    log::info("index_advice_off", {{"reason", s.why_off}});
    next.why = s.why_off;
    return publish(std::move(next));
  }
  const auto work = hooks_.workload(s.database);
  const bool due = rounds_.due(work.calls);
  if (!due && !again_) return;
  auto done = look(s, work, next);
  if (stop_) return;
  again_ = !done.has_value();
  const auto outcome = done.value_or(round_outcome::failed);
  ended_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  const auto why = done ? std::string() : done.error().message();
  // Once a change, not once a round.
  if (!done && next.why != why) log::warn("index_advice_failed", {{"reason", why}});
  next.why = why;
  publish(std::move(next));
}

result<round_outcome> live_advisor::look(const live_settings& s, const live_workload& work,
                                         live_advice& into) {
  const connection_bounds bounds{std::chrono::steady_clock::now() + time_of_round, &stop_,
                                 "fairing"};
  auto to = postgres_connection::open(s.url, bounds);
  if (!to) return std::unexpected(to.error());
  into.server = fmt::format("PostgreSQL {} at {}", to->version_text(), to->where());
  const auto room = read_room(*to, s.our_users);
  if (!room) return std::unexpected(room.error());
  into.room = *room;
  hooks_.on_room(*room);
  const auto mark = read_mark(*to);
  if (!mark) return std::unexpected(mark.error());
  if (!rounds_.news(now().mono, work.statements, *mark)) return round_outcome::unchanged;
  const auto catalogue = read_catalogue(*to);
  if (!catalogue) return std::unexpected(catalogue.error());
  into.tables = sizes_of(*catalogue);
  into.database = s.database;
  postgres_planner planner(*to);
  into.planner = planner.look();
  indexes::advice_limits limits;
  limits.max_plans = plans_a_round;
  auto found = indexes::give_advice(*catalogue, work.statements, planner, limits);
  // Said to be planned in any case: what takes so long is not tried again each minute.
  rounds_.advised(now().mono, work.statements, *mark);
  // Cut short, it says too little: what was found before is more.
  if (bounds.over())
    return fail(errc::refused, fmt::format("the plans of {} statements take over {} s",
                                           work.statements.size(), time_of_round.count()));
  if (const auto still = read_mark(*to); !still) return std::unexpected(still.error());
  into.found = std::move(found);
  into.advised = true;
  into.advised_at = now().wall;
  return round_outcome::advised;
}

}  // namespace fairing::app::advise
