// checkpointer: copies SQLite's log into its file on a thread of its own.
//
// Problem: SQLite checkpoints inside a commit; that one commit then takes as long as copying and syncing megabytes. A
// second connection can do it meanwhile, but while commits go on it never reaches the log's end, and the log grows.
//
// Flow, on the writer's thread between batches:
//   c.log_is(pages);             // begins a pass when the log has grown by `pass_pages`
//   if (c.should_finish()) ...   // a pass has ended: what is left is little, the writer copies it itself
// Failure: a pass that fails is logged and tried again after the next growth; commits do not depend on it, and the log
// keeps what did not reach the file.
// Threads: log_is() and should_finish() the writer's; the pass its own thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

class checkpointer {
 public:
  static constexpr int pass_pages = 8'192;  // 32 MiB

  explicit checkpointer(std::string path);
  ~checkpointer();
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;

  void log_is(int pages) noexcept;
  [[nodiscard]] bool should_finish() noexcept;

 private:
  void run();
  void pass(result<database>& db);

  std::string path_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool asked_ = false;
  bool stop_ = false;
  bool failing_ = false;  // the thread's own
  std::atomic<bool> busy_{false};
  std::atomic<bool> passed_{false};
  std::thread thread_;
};

}  // namespace fairing::jobs::sqlite
