#include "net/offload.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fairing::net {

offload::offload(std::string name, std::size_t limit, bool low_priority)
    : limit_(limit),
      thread_([this, name = std::move(name), low_priority] { run(name, low_priority); }) {}

offload::~offload() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  thread_.join();
}

bool offload::submit(job j) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= limit_) return false;
    jobs_.push_back(std::move(j));
  }
  wake_.notify_one();
  return true;
}

std::size_t offload::queued() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void offload::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return stopping_ || (jobs_.empty() && !busy_); });
}

void offload::run(const std::string& name, bool low_priority) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
  if (low_priority) {
    const auto tid = static_cast<id_t>(::syscall(SYS_gettid));
    ::setpriority(PRIO_PROCESS, tid, 10);
  }
  for (;;) {
    job next;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      next = std::move(jobs_.front());
      jobs_.pop_front();
      busy_ = true;
    }
    next();
    next = nullptr;
    std::lock_guard lock(mutex_);
    busy_ = false;
    if (jobs_.empty()) idle_.notify_all();
  }
}

}  // namespace fairing::net
