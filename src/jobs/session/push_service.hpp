// push_service: the pushers of all queues that have a `push` URL, and of those whose jobs are requests of the http plane.
//
// Flow:  auto s = push_service::make(cores, writer, registry, config);  s->start();  ... s->reload(next);
//        ... s->stop_taking();  ... s->stop();           // before the writer stops
// A queue is pushed by one core, spread by the queue's place in the configuration. A reload that changes a queue's push
// ends its pusher (what is in flight goes on to its end) and starts another.
// Threads: the main thread, one at a time; note() the writer's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "jobs/session/pusher.hpp"
#include "net/core.hpp"

namespace fairing::jobs {

// Makes what carries the jobs of a queue of requests; may be empty where there are none.
using carrier_maker = std::function<std::unique_ptr<carrier>(net::core& c, const queue_config& q)>;

class push_service {
 public:
  push_service(net::core_group& cores, writer& w, metrics::registry& r, carrier_maker requests)
      : cores_(cores), writer_(w), requests_(std::move(requests)), probe_(r) {}

  // An error names the key. Before start() too: nothing runs until then.
  [[nodiscard]] result<void> configure(const jobs_config& c);
  // The queues as the store has them, after they may have changed: those with requests are run, whatever the
  // configuration says of them.
  void note(const std::vector<engine::queue_state>& queues);
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
    std::vector<milliseconds> attempts;
    std::shared_ptr<pusher> runs;
    [[nodiscard]] bool same(const queue_config& q) const;
  };
  [[nodiscard]] std::vector<queue_config> all_of(const jobs_config& c) const;
  [[nodiscard]] result<void> apply();
  [[nodiscard]] result<entry> made(const queue_config& q, std::size_t index);
  [[nodiscard]] result<std::unique_ptr<carrier>> by_url(const queue_config& q, std::size_t index,
                                                        net::core& c) const;

  net::core_group& cores_;
  writer& writer_;
  carrier_maker requests_;
  push_probe probe_;
  mutable std::mutex mutex_;
  std::map<std::string, entry> by_queue_;
  std::vector<std::shared_ptr<pusher>> leaving_;  // end what they have begun
  jobs_config config_;
  std::vector<queue_config> with_requests_;  // as the store has it; by number
  bool started_ = false;
  bool ending_ = false;
};

}  // namespace fairing::jobs
