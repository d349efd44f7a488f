#include "jobs/store/sqlite/checkpointer.hpp"

#include <pthread.h>
#include <sqlite3.h>

#include <utility>

#include "base/log.hpp"

namespace fairing::jobs::sqlite {

checkpointer::checkpointer(std::string path) : path_(std::move(path)), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "jobs-checkpoint");
}

checkpointer::~checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void checkpointer::log_is(int pages) noexcept {
  if (pages < pass_pages || busy_.load(std::memory_order_acquire)) return;
  busy_.store(true, std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

bool checkpointer::should_finish() noexcept {
  if (!passed_.exchange(false, std::memory_order_acq_rel)) return false;
  busy_.store(false, std::memory_order_release);
  return true;
}

void checkpointer::run() {
  auto db = database::open(path_, database::mode::writes);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return asked_ || stop_; });
      if (stop_) return;
      asked_ = false;
    }
    pass(db);
    passed_.store(true, std::memory_order_release);
  }
}

void checkpointer::pass(result<database>& db) {
  if (!db) db = database::open(path_, database::mode::writes);
  const int code = db ? sqlite3_wal_checkpoint_v2(db->raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                                  nullptr, nullptr)
                      : SQLITE_CANTOPEN;
  const bool fails = code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED;
  if (fails && !failing_)
    log::warn("job_store_checkpoint_failed", {{"path", path_}, {"reason", sqlite3_errstr(code)}});
  failing_ = fails;
}

}  // namespace fairing::jobs::sqlite
