#include "jobs/store/postgres/notices.hpp"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "jobs/store/postgres/schema.hpp"
#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

namespace {

constexpr int look_at_stop_ms = 200;
constexpr std::chrono::seconds pause{1};

}  // namespace

notices::notices(std::string url) : url_(std::move(url)) {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "jobs-notices");
    run();
  });
}

notices::~notices() {
  {
    const std::lock_guard held(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void notices::on_notice(std::function<void()> call) {
  const std::lock_guard held(mutex_);
  call_ = std::move(call);
}

void notices::tell() {
  heard_ = true;
  const std::lock_guard held(mutex_);
  if (call_) call_();
}

void notices::run() {
  while (!stop_) {
    listen();
    std::unique_lock held(mutex_);
    wake_.wait_for(held, pause, [this] { return stop_.load(); });
  }
}

void notices::listen() {
  auto s = session::open(url_, "fairing jobs outbox");
  if (!s || !s->execute("LISTEN " + std::string(outbox_channel))) return;
  tell();  // what came while nobody listened
  while (!stop_) {
    const auto heard = s->wait_for_notice(look_at_stop_ms);
    if (!heard) return;
    if (*heard) tell();
  }
}

}  // namespace fairing::jobs::postgres
