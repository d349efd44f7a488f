// reads: the thread "jobs-read": searches and lists, beside the writer.
//
// Problem: a search over many jobs takes long, and neither a core nor the writer may wait for it.
// Flow:  reads r(open_reader); if (!r.submit([](result<reader*> from) { ... })) 503
// The reader is opened at the first use, and after open_anew(): the store may be in another file. Bounds: 64 wait. Threads: submit from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "jobs/logic/store.hpp"
#include "net/offload.hpp"

namespace fairing::jobs {

class reads {
 public:
  using opener = std::function<result<std::unique_ptr<reader>>()>;
  using work = std::move_only_function<void(result<reader*>)>;

  explicit reads(opener open) : open_(std::move(open)), thread_("jobs-read", 64, false) {}

  [[nodiscard]] bool submit(work w) {
    return thread_.submit([this, f = std::move(w)]() mutable { f(opened()); });
  }
  void open_anew() noexcept { anew_ = true; }
  void drain() { thread_.drain(); }

 private:
  result<reader*> opened() {
    if (anew_.exchange(false)) reader_.reset();
    if (!reader_) {
      auto r = open_();
      if (!r) return std::unexpected(r.error());
      reader_ = std::move(*r);
    }
    return reader_.get();
  }

  opener open_;
  std::unique_ptr<reader> reader_;  // the thread's own
  std::atomic<bool> anew_{false};
  net::offload thread_;
};

}  // namespace fairing::jobs
