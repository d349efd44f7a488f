// How the store comes and goes: opening, standing by, what is said meanwhile, and the clock that is kept in it.
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "base/uptime.hpp"
#include "jobs/session/writer.hpp"

namespace fairing::jobs {
namespace {

constexpr std::int64_t keep_every_ms = 1'000;
constexpr milliseconds longest_pause{5'000};
constexpr milliseconds standby_pause{1'000};
constexpr std::string_view steady_fact = "steady";

// The fact: the steady clock as it was, and the machine's uptime then: "MS BOOT UPTIME_MS".
struct kept_time {
  std::int64_t steady_ms = 0;
  uptime then;
};

kept_time time_from(std::string_view text) {
  kept_time t;
  const auto number = [&text](std::int64_t& out) {
    const auto r = std::from_chars(text.data(), text.data() + text.size(), out);
    text.remove_prefix(static_cast<std::size_t>(r.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  };
  number(t.steady_ms);
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return t;  // as it was written before there was more of it
  t.then.boot = text.substr(0, blank);
  text.remove_prefix(blank + 1);
  number(t.then.ms);
  return t;
}

std::string text_of(const kept_time& t) {
  auto out = std::to_string(t.steady_ms);
  if (!t.then.boot.empty()) out += ' ' + t.then.boot + ' ' + std::to_string(t.then.ms);
  return out;
}

// Where the clock stands now that was kept. While the machine has been up all the time its uptime says what has passed;
// over a restart of the machine, or on another one, only the wall clock can.
std::int64_t goes_on(const kept_time& kept, const uptime& now, std::int64_t wall_ms) {
  const bool same = !now.boot.empty() && kept.then.boot == now.boot && kept.then.ms <= now.ms;
  if (same) return kept.steady_ms + now.ms - kept.then.ms;
  return std::max(kept.steady_ms, wall_ms);
}

}  // namespace

void writer::close_store() {
  engine_.reset();
  store_.reset();
}

result<void> writer::check_ready() const {
  if (ready_.load()) return {};
  return std::unexpected(not_ready());
}

std::string writer::why_not_ready() const {
  const auto r = check_ready();
  return r ? std::string() : r.error().message();
}

bool writer::standing_by() const { return !ready_.load() && not_ready().code == errc::standby; }

error writer::not_ready() const {
  const std::lock_guard lock(mutex_);
  return not_ready_;
}

// Logged when the reason changes in kind, not with each try.
void writer::show_not_ready(const error& e) {
  {
    const std::lock_guard lock(mutex_);
    ready_ = false;
    not_ready_ = e;
  }
  try_again_ms_ = monotonic_ms() + pause_.count();
  if (std::exchange(logged_, e.code) == e.code) return;
  if (e.code == errc::standby)
    log::info("job_store_standby", {{"reason", e.message()}});
  else
    log::error("job_store_failed", {{"reason", e.message()}});
}

result<void> writer::open() {
  auto opened = options_.open_store();
  if (!opened) return std::unexpected(opened.error());
  store_ = std::move(*opened);
  const auto kept = store_->fact(steady_fact);
  if (!kept) return std::unexpected(kept.error());
  const auto& text = kept.value();
  const auto stands = goes_on(text ? time_from(*text) : kept_time{}, read_uptime(), unix_ms());
  // A process that goes on after a fault of its store goes on with its clock, too.
  const auto least = steady_base_.load() == 0 ? stands : steady_now();
  steady_base_ = std::max(stands, least) - monotonic_ms();
  engine_ = std::make_unique<engine>(*store_, options_.config, options_.random_seed);
  if (auto r = engine_->open(time()); !r) return r;
  store_->on_poke([this] {
    {
      const std::lock_guard lock(mutex_);
      poked_ = true;
    }
    wake_.notify_one();
  });
  to_show_ = true;
  show_now_ = true;
  show_queues(time(), {});
  observer_.on_open();
  ready_ = true;
  logged_.clear();
  return {};
}

// Those who wait are told that it failed: what they asked for was not done.
void writer::fence(const error& e) {
  const error told{make_error_code(errc::fenced), e.message()};
  pause_ = milliseconds{100};
  failures_ = 0;
  show_not_ready(told);
  close_store();
  std::vector<answer> all;
  for (auto& [name, l] : leases_) {
    l.what.replies[l.index] = std::unexpected(told);
    all.push_back(std::move(l.what));
  }
  for (auto& [id, w] : watches_) {
    answer a{w.to, std::move(w.done), {}};
    a.replies.emplace_back(std::unexpected(told));
    all.push_back(std::move(a));
  }
  leases_.clear();
  watches_.clear();
  watch_ends_.clear();
  send(std::move(all));
}

void writer::open_again() {
  if (auto r = open(); !r) {
    close_store();
    const bool standby = r.error().code == errc::standby;
    pause_ = std::min(pause_ * 2, standby ? standby_pause : longest_pause);
    return show_not_ready(r.error());
  }
  pause_ = milliseconds{100};
  log::info("job_store_open_again");
}

void writer::keep_time(plane_time now) {
  if (now.steady_ms - kept_steady_ms_ < keep_every_ms) return;
  if (store_->set_fact(steady_fact, text_of({now.steady_ms, read_uptime()})))
    kept_steady_ms_ = now.steady_ms;
}

}  // namespace fairing::jobs
