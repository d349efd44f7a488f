#include "jobs/session/pusher.hpp"

#include <algorithm>
#include <thread>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "net/alarm.hpp"

namespace fairing::jobs {

namespace {

constexpr milliseconds lease_wait{60'000};
constexpr milliseconds after_refusal{1'000};
constexpr milliseconds settle_again{200};
constexpr std::uint32_t most_of_a_lease = 100;  // the engine's

std::int64_t mono_ms() noexcept { return now().mono.time_since_epoch().count(); }

// After these it is said again. Where it was done all the same the lease is over, which is told then.
bool passes(const error& e) noexcept {
  return e.code == errc::fenced || e.code == errc::store_failed || e.code == errc::overloaded ||
         e.code == errc::full || e.code == errc::standby || e.code == errc::unknown_outcome;
}

bool is_over(const error& e) noexcept {
  return e.code == errc::stale_lease || e.code == errc::not_found;
}

}  // namespace

pusher::pusher(net::core& c, writer& w, rules r, std::unique_ptr<carrier> by, push_probe& probe)
    : core_(c),
      writer_(w),
      rules_(std::move(r)),
      by_(std::move(by)),
      probe_(probe.of(rules_.queue)),
      pace_(rules_.most),
      wake_(c) {}

std::shared_ptr<pusher> pusher::make(net::core& c, writer& w, rules r, std::unique_ptr<carrier> by,
                                     push_probe& probe) {
  return std::shared_ptr<pusher>(new pusher(c, w, std::move(r), std::move(by), probe));
}

void pusher::start() {
  running_ = 1;
  core_.post([self = shared_from_this()] { net::spawn(self->run(self)); });
}

void pusher::stop_taking() {
  core_.post([self = shared_from_this()] {
    self->taking_ = false;
    if (self->waiter_ != 0) self->writer_.forget(self->waiter_);
    self->wake_.set();
  });
}

void pusher::stop() {
  stop_taking();
  core_.post([self = shared_from_this()] { self->by_->stop(); });
}

bool pusher::wait_ended(milliseconds for_at_most) const {
  const auto end = std::chrono::steady_clock::now() + for_at_most;
  while (running_.load() > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(milliseconds{2});
  }
  return true;
}

net::task<void> pusher::pause(milliseconds length) {
  const auto end = now().mono + length;
  const net::alarm alarm(core_, wake_.make_waker(), end);
  while (taking_ && now().mono < end) co_await wake_.wait();
}

net::task<void> pusher::run([[maybe_unused]] std::shared_ptr<pusher> self) {
  while (taking_) {
    const auto t = mono_ms();
    const auto room = pace_.room(t);
    if (room == 0) {
      const auto opens = pace_.opens(t);
      const net::alarm alarm(core_, wake_.make_waker(),
                             opens ? mono_time{milliseconds{*opens}} : mono_time::max());
      co_await wake_.wait();
      continue;
    }
    if (!ask(std::min(room, most_of_a_lease))) {
      co_await pause(after_refusal);
      continue;
    }
    while (!got_ && taking_) co_await wake_.wait();
    auto got = std::exchange(got_, std::nullopt);
    if (!got) break;  // whatever still comes is given back
    waiter_ = 0;
    if (auto& answer = *got; !answer)
      co_await pause(after_refusal);
    else if (taking_)
      spread(std::move(*answer));
    else
      give_back(std::move(answer->jobs));
  }
  end_one();
}

// The last one leaves nothing open behind.
void pusher::end_one() {
  if (running_.load() == 1) by_->stop();
  running_.fetch_sub(1);
}

// One lease at a time: its answer comes into got_.
bool pusher::ask(std::uint32_t most) {
  waiter_ = writer_.next_waiter();
  std::vector<command> one;
  one.emplace_back(lease{.queue = rules_.queue,
                         .most = most,
                         .wait_until_steady_ms = writer_.steady_now() + lease_wait.count(),
                         .waiter = waiter_,
                         .grace = grace,
                         .requests = rules_.requests});
  const bool taken = writer_.submit(
      &core_, std::move(one), [self = shared_from_this()](std::vector<result<reply>> r) {
        if (!r.front()) {
          self->got_ = std::unexpected(r.front().error());
        } else if (auto* got = std::get_if<leased>(&*r.front()); got != nullptr) {
          if (!self->taking_) return self->give_back(std::move(got->jobs));
          self->got_ = std::move(*got);
        }
        self->wake_.set();
      });
  if (!taken) waiter_ = 0;
  return taken;
}

// What the pace has no room for any more goes back unused: the target may have gone while the lease waited.
void pusher::spread(leased got) {
  std::vector<leased_job> back;
  for (auto& j : got.jobs) {
    if (pace_.room(mono_ms()) == 0) {
      back.push_back(std::move(j));
      continue;
    }
    running_.fetch_add(1);
    net::spawn(deliver(shared_from_this(), std::move(j)));
  }
  if (!back.empty()) give_back(std::move(back));
}

// If even that finds no room they come back when their leases are over.
void pusher::give_back(std::vector<leased_job> jobs) {
  std::vector<command> all;
  all.reserve(jobs.size());
  for (const auto& j : jobs)
    all.emplace_back(fail_job{.token = j.token, .error = {}, .release = true});
  if (!all.empty()) (void)writer_.submit(nullptr, std::move(all), [](const auto&) {});
}

net::task<void> pusher::deliver([[maybe_unused]] std::shared_ptr<pusher> self, leased_job j) {
  const auto ticket = pace_.begin(mono_ms());
  show();
  const auto began_us = precise_us();
  const auto over_ms = j.deadline_ms - grace.count();
  const auto length = milliseconds{std::max<std::int64_t>(0, over_ms - unix_ms())};
  const auto deadline = now().mono + length;
  auto d = co_await by_->carry(j, attempt_time{deadline, over_ms});
  pace_.end(ticket, d.how.strain, mono_ms());
  show();
  wake_.set();
  probe_.seconds.observe_us(precise_us() - began_us);
  const auto what = push_probe::outcome_of(d.how.what, d.fault);
  probe_.count(what);
  if (auto c = settling(j, std::move(d))) co_await settle(std::move(*c), deadline + grace, what);
  end_one();
}

// nullopt: the worker does it, or this process ends and nobody knows; then the lease's end says so.
std::optional<command> pusher::settling(const leased_job& j, delivery d) const {
  if (d.fault == push_fault::stopped || d.how.what == push_end::later) return std::nullopt;
  if (d.how.what == push_end::done)
    return ack{.token = j.token,
               .result = std::move(d.result),
               .result_type = std::move(d.result_type),
               .result_status = d.result_status};
  return fail_job{.token = j.token,
                  .error = std::move(d.how.error),
                  .not_before = d.how.not_before,
                  .dead = d.how.what == push_end::dead,
                  .unsure = d.unsure};
}

net::task<void> pusher::settle(command c, mono_time until, std::string_view what) {
  const auto give_up = [&](std::string_view why) {
    log::warn("push_not_settled", {{"queue", rules_.queue}, {"outcome", what}, {"reason", why}});
  };
  bool perhaps_done = false;
  std::string why = "the job store took no more commands";
  for (;;) {
    const auto said = std::make_shared<std::optional<result<reply>>>();
    net::event done(core_);
    const bool taken =
        writer_.submit(&core_, {c}, [said, w = done.make_waker()](std::vector<result<reply>> r) {
          *said = std::move(r.front());
          w();
        });
    if (taken) {
      while (!said->has_value()) co_await done.wait();
      const auto r = std::move(*said).value_or(result<reply>(nothing{}));
      if (r || (perhaps_done && is_over(r.error()))) co_return;
      why = r.error().message();
      perhaps_done = perhaps_done || r.error().code == errc::unknown_outcome;
      if (!passes(r.error())) co_return give_up(why);
    }
    if (now().mono >= until) co_return give_up(why);
    const net::alarm alarm(core_, done.make_waker(), now().mono + settle_again);
    co_await done.wait();
  }
}

void pusher::show() noexcept {
  in_flight_ = pace_.in_flight();
  probe_.limit->store(pace_.limit());
  probe_.in_flight->store(pace_.in_flight());
}

}  // namespace fairing::jobs
