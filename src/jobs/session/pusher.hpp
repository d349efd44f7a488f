// pusher: takes the jobs of one queue and has them carried, as many at a time as the target bears.
//
// Problem: between the lease and its end stand a network and a worker that may be slow, gone, or settle the job by
// itself later; each job must still end exactly as the ladder says, and a target that is down must not be given all.
//
// Flow, on its core:
//   auto p = pusher::make(core, writer, {queue, most}, carrier, metrics);  p->start();
//   ... p->stop_taking();  ...  p->stop();  p->wait_ended(for_at_most)
// The loop: as much room as pace has -> one lease that waits -> each job carried -> ack, fail or nothing (202) -> room.
// A lease lasts the job's timeout and 5 s: the carrier's deadline comes first and says why, and an answer that comes at
// the last moment still counts.
// Settling is tried until the lease is over: the store may be away, full or another's for a moment, and where it was lost
// during the commit, saying the same again does no harm.
// Lifecycle: held by its own coroutines; stop() ends them. After wait_ended() nothing of it runs.
// Threads: everything on its core, but start, stop_taking, stop, wait_ended and in_flight: from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "jobs/logic/push_pace.hpp"
#include "jobs/session/carrier.hpp"
#include "jobs/session/push_probe.hpp"
#include "jobs/session/writer.hpp"
#include "net/event.hpp"

namespace fairing::jobs {

class pusher : public std::enable_shared_from_this<pusher> {
 public:
  struct rules {
    std::string queue;
    std::uint32_t most = push_pace::usual_most;  // at a time
    bool requests = false;                       // that the http plane put off
  };
  static constexpr milliseconds grace{5'000};

  static std::shared_ptr<pusher> make(net::core& c, writer& w, rules r, std::unique_ptr<carrier> by,
                                      push_probe& probe);
  void start();
  void stop_taking();
  void stop();
  // False: not within that time.
  [[nodiscard]] bool wait_ended(milliseconds for_at_most) const;
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_.load(); }

 private:
  pusher(net::core& c, writer& w, rules r, std::unique_ptr<carrier> by, push_probe& probe);
  net::task<void> run(std::shared_ptr<pusher> self);
  net::task<void> deliver(std::shared_ptr<pusher> self, leased_job j);
  net::task<void> settle(command c, mono_time until, std::string_view what);
  net::task<void> pause(milliseconds length);
  [[nodiscard]] bool ask(std::uint32_t most);
  void spread(leased got);
  [[nodiscard]] std::optional<command> settling(const leased_job& j, delivery d) const;
  void give_back(std::vector<leased_job> jobs);
  void show() noexcept;
  void end_one();

  net::core& core_;
  writer& writer_;
  const rules rules_;
  std::unique_ptr<carrier> by_;
  const push_probe::of_queue& probe_;
  push_pace pace_;
  net::event wake_;
  std::uint64_t waiter_ = 0;  // of the lease that is asked for; 0: none
  std::optional<result<leased>> got_;
  bool taking_ = true;
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> running_{0};  // coroutines
};

}  // namespace fairing::jobs
