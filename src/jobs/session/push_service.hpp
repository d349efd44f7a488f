// push_service: the pushers of all queues that have a `push` URL.
//
// Flow:  auto s = push_service::make(cores, writer, registry, config);  s->start();  ... s->reload(next);
//        ... s->stop_taking();  ... s->stop();           // before the writer stops
// A queue is pushed by one core, spread by the queue's place in the configuration. A reload that changes a queue's push
// ends its pusher (what is in flight goes on to its end) and starts another.
// Threads: the main thread; one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "jobs/session/pusher.hpp"
#include "net/core.hpp"

namespace fairing::jobs {

class push_service {
 public:
  push_service(net::core_group& cores, writer& w, metrics::registry& r)
      : cores_(cores), writer_(w), probe_(r) {}

  // An error names the key. Before start() too: nothing runs until then.
  [[nodiscard]] result<void> configure(const jobs_config& c);
  void start();
  void stop_taking();
  void stop();
  [[nodiscard]] std::uint32_t in_flight() const;

 private:
  struct entry {
    std::string push;
    std::string secret;
    std::uint32_t most = 0;
    std::uint64_t result_bytes = 0;
    std::shared_ptr<pusher> runs;
    [[nodiscard]] bool same(const queue_config& q) const;
  };
  [[nodiscard]] result<entry> made(const queue_config& q, std::size_t index);

  net::core_group& cores_;
  writer& writer_;
  push_probe probe_;
  mutable std::mutex mutex_;
  std::map<std::string, entry> by_queue_;
  std::vector<std::shared_ptr<pusher>> leaving_;  // end what they have begun
  bool started_ = false;
};

}  // namespace fairing::jobs
