#include "jobs/session/sqs_desk.hpp"

#include <pthread.h>

#include <algorithm>
#include <future>

namespace fairing::jobs {

void sqs_desk::start() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "jobs-sqs");
    run();
  });
}

void sqs_desk::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  wake_.notify_one();
  thread_.join();
}

bool sqs_desk::submit(work w) {
  {
    const std::lock_guard lock(mutex_);
    if (!open_ || waiting_.size() >= most_waiting) return false;
    waiting_.push_back(std::move(w));
  }
  wake_.notify_one();
  return true;
}

std::vector<result<reply>> sqs_desk::ask(std::vector<command> commands) {
  const auto count = std::max<std::size_t>(1, commands.size());
  std::promise<std::vector<result<reply>>> promised;
  auto coming = promised.get_future();
  // The writer answers whatever it has taken, also when it stops: the promise outlives its call.
  const bool taken = writer_.submit(
      nullptr, std::move(commands),
      [&promised](std::vector<result<reply>> r) { promised.set_value(std::move(r)); });
  if (taken) return coming.get();
  const result<reply> no = fail(errc::overloaded);
  return std::vector<result<reply>>(count, no);
}

bool sqs_desk::next(work& w) {
  const auto something = [this] { return !waiting_.empty() || !open_; };
  const auto wake_at = moves_.next_wake_steady_ms();
  std::unique_lock lock(mutex_);
  if (wake_at) {
    const auto sleep_ms = std::max<std::int64_t>(0, *wake_at - writer_.steady_now());
    wake_.wait_for(lock, milliseconds{sleep_ms}, something);
  } else {
    wake_.wait(lock, something);
  }
  if (waiting_.empty()) return open_;
  w = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

void sqs_desk::run() {
  for (work w; next(w); w = nullptr) {
    if (w) w();
    step_moves();
  }
}

void sqs_desk::step_moves() {
  auto steps = moves_.tick(writer_.time());
  if (steps.empty()) return;
  std::vector<command> commands;
  commands.reserve(steps.size());
  for (auto& s : steps) commands.push_back(std::move(s.what));
  const auto replies = ask(std::move(commands));
  for (std::size_t i = 0; i < steps.size(); ++i) moves_.on_reply(steps[i].task, replies[i]);
}

}  // namespace fairing::jobs
