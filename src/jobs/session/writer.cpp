#include "jobs/session/writer.hpp"

#include <pthread.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

constexpr std::size_t most_watches = 100'000;
constexpr std::int64_t show_every_ms = 200;
constexpr std::int64_t fade_every_ms = 1'000;  // rates fall though nothing happens
constexpr std::uint32_t most_failures = 10;
constexpr std::int64_t longest_sleep_ms = 60'000;
constexpr std::int64_t upkeep_pause_ms = 100;
// A store that others may take over wants to hear that this instance lives.
constexpr std::int64_t longest_shared_sleep_ms = 5'000;

}  // namespace

std::uint64_t version_of(const job& j) noexcept {
  const auto text = hash64(j.progress, 7);
  auto h = mix64(text ^ static_cast<std::uint64_t>(j.state));
  h = mix64(h ^ j.attempt);
  h = mix64(h ^ static_cast<std::uint64_t>(j.finished_ms));
  return mix64(h ^ j.id) | 1;
}

writer::writer(writer_options options, writer_observer& observer)
    : options_(std::move(options)), observer_(observer) {}

writer::~writer() { stop(); }

result<void> writer::start() {
  if (auto r = open(); !r) {
    const auto code = r.error().code;
    if (!options_.waits_for_store || (code != errc::fenced && code != errc::standby)) return r;
    close_store();
    show_not_ready(r.error());
  }
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "jobs");
    run();
  });
  return {};
}

void writer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  close_store();
}

void writer::stop_leasing() {
  leasing_ = false;
  {
    const std::lock_guard lock(mutex_);
    end_leases_ = true;
  }
  wake_.notify_one();
}

bool writer::submit(net::core* to, std::vector<command> commands, completion done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.most_queued) return false;
    queue_.push_back({to, std::move(commands), std::move(done), {}});
    if (queue_.size() > 1 && queue_.size() != enough_) return true;  // it has been woken
  }
  wake_.notify_one();
  return true;
}

bool writer::watch(net::core* to, const watch_request& what, completion done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.most_queued) return false;
    queue_.push_back({to, {}, std::move(done), what});
  }
  wake_.notify_one();
  return true;
}

void writer::forget(std::uint64_t waiter) {
  {
    const std::lock_guard lock(mutex_);
    gone_.push_back(waiter);
  }
  wake_.notify_one();
}

void writer::give_back(const std::vector<lease_token>& leases) {
  std::vector<command> all;
  for (const auto& token : leases)
    all.emplace_back(fail_job{.token = token, .error = {}, .release = true});
  if (!all.empty()) (void)submit(nullptr, std::move(all), [](const auto&) {});
}

void writer::reconfigure(const jobs_config& next) {
  {
    const std::lock_guard lock(mutex_);
    next_config_ = next;
  }
  wake_.notify_one();
}

std::int64_t writer::monotonic_ms() noexcept { return precise_us() / 1'000; }

std::int64_t writer::steady_now() const noexcept {
  return steady_base_.load(std::memory_order_relaxed) + monotonic_ms();
}

plane_time writer::time() const noexcept { return {steady_now(), unix_ms()}; }

std::size_t writer::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

// Sleeps until there is something to do; false: the end.
bool writer::wait_for_work(std::vector<item>& taken) {
  std::int64_t sleep_ms = longest_sleep_ms;
  const auto now = time();
  if (!gone_in_vain_.empty()) sleep_ms = 0;
  if (engine_) {
    if (store_->can().shared) sleep_ms = std::min(sleep_ms, longest_shared_sleep_ms);
    if (const auto at = engine_->next_wake_steady_ms(now))
      sleep_ms = std::min(sleep_ms, *at - now.steady_ms);
    if (!watch_ends_.empty())
      sleep_ms = std::min(sleep_ms, watch_ends_.begin()->first - now.steady_ms);
    if (store_->wants_upkeep()) sleep_ms = std::min(sleep_ms, upkeep_pause_ms);
    if (to_show_) sleep_ms = std::min(sleep_ms, shown_ms_ + show_every_ms - now.steady_ms);
    if (rates_shown_) sleep_ms = std::min(sleep_ms, shown_ms_ + fade_every_ms - now.steady_ms);
  } else {
    sleep_ms = try_again_ms_ - monotonic_ms();
  }
  std::unique_lock lock(mutex_);
  const auto something = [this] {
    return !queue_.empty() || !gone_.empty() || next_config_ || end_leases_ || stopping_ ||
           (poked_ && engine_);
  };
  if (sleep_ms > 0) wake_.wait_for(lock, milliseconds{sleep_ms}, something);
  if (stopping_ && queue_.empty()) return false;
  if (!queue_.empty()) gather(lock);
  poked_ = false;
  taken.swap(queue_);
  return true;
}

// Those who were just answered may be about to come back.
void writer::gather(std::unique_lock<std::mutex>& lock) {
  while (!stopping_) {
    const auto us = gather_.wait_us(queue_.size(), precise_us());
    if (us == 0) break;
    enough_ = gather_.enough();
    wake_.wait_for(lock, std::chrono::microseconds{us},
                   [this] { return queue_.size() >= enough_ || stopping_; });
  }
  enough_ = 0;
}

void writer::run() {
  std::vector<item> taken;
  while (wait_for_work(taken)) {
    std::vector<std::uint64_t> gone;
    bool end = false;
    {
      const std::lock_guard lock(mutex_);
      gone.swap(gone_);
      end = std::exchange(end_leases_, false);
      if (next_config_) {
        options_.config = *next_config_;
        if (engine_) engine_->reconfigure(options_.config);
        show_now_ = true;
        next_config_.reset();
      }
    }
    for (const auto waiter : std::exchange(gone_in_vain_, {}))
      taken.push_back({nullptr, {forget_waiter{waiter}}, [](const auto&) {}, {}});
    for (const auto waiter : gone)
      if (leases_.erase(waiter) > 0)
        taken.push_back({nullptr, {forget_waiter{waiter}}, [](const auto&) {}, {}});
    if (end) end_leases(taken);
    if (!engine_ && monotonic_ms() >= try_again_ms_) open_again();
    if (engine_)
      batch(taken);
    else
      fail_batch(taken, not_ready());
    taken.clear();
  }
}

void writer::batch(std::vector<item>& taken) {
  const auto now = time();
  dispatched out;
  const auto whole = [&]() -> result<void> {
    if (auto r = store_->begin(); !r) return r;
    if (auto r = apply_all(taken, now); !r) return r;
    if (auto r = engine_->tick(now); !r) return r;
    if (auto r = engine_->dispatch(now, out); !r) return r;
    if (auto r = look_at_watches(out.events, now); !r) return r;
    keep_time(now);
    return {};
  }();
  if (!whole) {
    store_->rollback();
    engine_->rolled_back();
    fail_batch(taken, whole.error());
    const auto code = whole.error().code;
    failures_ = code == errc::full ? 0 : failures_ + 1;
    if (code == errc::fenced || failures_ >= most_failures) fence(whole.error());
    return;
  }
  const auto began = precise_us();
  if (auto r = store_->commit(); !r) {
    engine_->rolled_back();
    fail_batch(taken, r.error());
    return fence(r.error());
  }
  const auto took_us = precise_us() - began;
  // A batch of what time brings may go well each time between commands that all fail.
  if (!taken.empty()) failures_ = 0;
  engine_->committed();
  parked_now_.clear();
  observer_.on_committed(out.events);
  for (const auto id : out.damaged)
    log::error("job_set_aside", {{"id", id_text(id)},
                                 {"reason",
                                  "its row cannot be read; it is kept in the store's "
                                  "table job_damaged: check the disk"}});
  settle_parked(std::move(out.replies));
  to_show_ = to_show_ || out.recounted;
  show_queues(now, out.events);
  const auto count = answers_.size();
  send(std::exchange(answers_, {}));
  gather_.answered(count, took_us, queued(), precise_us());
  observer_.on_batch({taken.size(), took_us, std::move(out.events)});
  if (taken.empty()) store_->upkeep();
}

result<void> writer::apply_all(std::vector<item>& taken, plane_time now) {
  for (auto& i : taken)
    if (auto r = apply_one(i, now); !r) return r;
  return {};
}

// An error is the batch's; a refusal of the command is its reply.
result<void> writer::apply_one(item& i, plane_time now) {
  if (i.watched) {
    if (watches_.size() >= most_watches) {
      answers_.push_back({i.to, std::move(i.done), {}});
      answers_.back().replies.emplace_back(fail(errc::overloaded));
      return {};
    }
    const auto end = watch_ends_.emplace(i.watched->until_steady_ms, i.watched->id);
    const auto at =
        watches_.emplace(i.watched->id, parked_watch{*i.watched, i.to, std::move(i.done), end});
    return look_at(at, now, false);
  }
  answer a{i.to, {}, {}};
  std::uint64_t waiter = 0;
  std::size_t index = 0;
  a.replies.reserve(i.commands.size());
  show_now_ = show_now_ || i.commands.empty();
  for (const auto& c : i.commands) {
    auto r = run_command(c, now);
    if (engine_->batch_lost()) return std::unexpected(r ? error{} : r.error());
    if (r && std::holds_alternative<parked>(*r)) {
      waiter = std::get<lease>(c).waiter;
      index = a.replies.size();
    }
    if (const auto* p = std::get_if<progress>(&c); p && r) touched_.push_back(p->token.job);
    a.replies.push_back(std::move(r));
  }
  a.done = std::move(i.done);
  if (waiter != 0) {
    leases_.insert_or_assign(waiter, parked_lease{std::move(a), index});
    parked_now_.push_back(waiter);
  } else {
    answers_.push_back(std::move(a));
  }
  return {};
}

result<reply> writer::run_command(const command& c, plane_time now) {
  if (!leasing_.load() && std::holds_alternative<lease>(c)) return leased{};
  show_now_ = show_now_ || std::holds_alternative<set_queue>(c) ||
              std::holds_alternative<set_paused>(c) || std::holds_alternative<redrive>(c);
  return engine_->apply(c, now);
}

result<void> writer::look_at_watches(const std::vector<job_event>& events, plane_time now) {
  if (watches_.empty()) {
    touched_.clear();
    return {};
  }
  for (const auto& e : events) touched_.push_back(e.id);
  std::ranges::sort(touched_);
  const auto same = std::ranges::unique(touched_);
  touched_.erase(same.begin(), same.end());
  for (const auto id : touched_) {
    auto [from, to] = watches_.equal_range(id);
    while (from != to)
      if (auto r = look_at(from++, now, false); !r) return r;
  }
  touched_.clear();
  while (!watch_ends_.empty() && watch_ends_.begin()->first <= now.steady_ms) {
    auto [at, last] = watches_.equal_range(watch_ends_.begin()->second);
    while (at != last && at->second.end != watch_ends_.begin()) ++at;
    if (auto r = look_at(at, now, true); !r) return r;
  }
  return {};
}

result<void> writer::look_at(watch_map::iterator w, plane_time now, bool over) {
  auto r = engine_->apply(read_job{w->first}, now);
  if (engine_->batch_lost()) return std::unexpected(r ? error{} : r.error());
  const auto& what = w->second.what;
  if (const auto* j = r ? std::get_if<job>(&*r) : nullptr; j && !over) {
    const bool waits = what.seen != 0 ? version_of(*j) == what.seen : !finished(j->state);
    if (waits) return {};
  }
  answers_.push_back({w->second.to, std::move(w->second.done), {}});
  answers_.back().replies.push_back(std::move(r));
  watch_ends_.erase(w->second.end);
  watches_.erase(w);
  return {};
}

void writer::settle_parked(std::vector<waiter_reply> replies) {
  for (auto& r : replies) {
    auto at = leases_.find(r.waiter);
    if (at == leases_.end()) continue;
    auto& l = at->second;
    if (r.jobs)
      l.what.replies[l.index] = reply(std::move(*r.jobs));
    else
      l.what.replies[l.index] = std::unexpected(r.jobs.error());
    answers_.push_back(std::move(l.what));
    leases_.erase(at);
  }
}

// Each is forgotten as a command of the next batch, and answered with it.
void writer::end_leases(std::vector<item>& taken) {
  for (auto& [name, l] : leases_) {
    l.what.replies[l.index] = reply(leased{});
    auto* to = l.what.to;
    taken.push_back({to,
                     {forget_waiter{name}},
                     [a = std::move(l.what)](const auto&) mutable { a.done(std::move(a.replies)); },
                     {}});
  }
  leases_.clear();
}

void writer::fail_batch(std::vector<item>& taken, const error& e) {
  for (const auto waiter : parked_now_) {
    auto at = leases_.find(waiter);
    if (at == leases_.end()) continue;
    answers_.push_back(std::move(at->second.what));
    leases_.erase(at);
    if (engine_) gone_in_vain_.push_back(waiter);
  }
  parked_now_.clear();
  for (auto& a : answers_)  // those whose commands had been run
    for (auto& r : a.replies) r = std::unexpected(e);
  for (auto& i : taken) {
    if (!i.done) continue;
    answers_.push_back({i.to, std::move(i.done), {}});
    for (std::size_t n = 0; n < std::max<std::size_t>(1, i.commands.size()); ++n)
      answers_.back().replies.emplace_back(std::unexpected(e));
  }
  touched_.clear();
  send(std::exchange(answers_, {}));
}

void writer::show_queues(plane_time now, const std::vector<job_event>& events) {
  const bool unknown = std::ranges::any_of(events, [this](const job_event& e) {
    return std::ranges::find(known_queues_, e.queue) == known_queues_.end();
  });
  to_show_ = to_show_ || !events.empty();
  const auto age_ms = now.steady_ms - shown_ms_;
  const bool soon =
      (to_show_ && age_ms >= show_every_ms) || (rates_shown_ && age_ms >= fade_every_ms);
  if (!unknown && !show_now_ && !soon) return;
  auto states = engine_->queues(now);
  known_queues_.clear();
  for (const auto& s : states) known_queues_.push_back(s.row.number);
  rates_shown_ = std::ranges::any_of(states, [](const engine::queue_state& s) {
    return s.arrivals_a_second > 0 || s.finished_a_second > 0;
  });
  observer_.on_queues(std::move(states));
  shown_ms_ = now.steady_ms;
  to_show_ = false;
  show_now_ = false;
}

void writer::send(std::vector<answer> answers) {
  std::vector<std::pair<net::core*, std::vector<answer>>> groups;  // as many as cores: few
  for (auto& a : answers) {
    auto at = std::ranges::find(groups, a.to, &std::pair<net::core*, std::vector<answer>>::first);
    if (at == groups.end()) at = groups.emplace(at, a.to, std::vector<answer>{});
    at->second.push_back(std::move(a));
  }
  for (auto& [to, some] : groups) {
    auto deliver = [all = std::move(some)]() mutable {
      for (auto& a : all) a.done(std::move(a.replies));
    };
    if (to == nullptr)
      deliver();
    else
      to->post(std::move(deliver));
  }
}

}  // namespace fairing::jobs
