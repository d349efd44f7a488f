// sqs_desk: the thread "jobs-sqs": what of the SQS API has to happen one after the other.
//
// Problem: SetQueueAttributes reads a queue's attributes, changes some and writes all; two at a time would lose one. Move
// tasks go on between requests, and belong to one thread.
//
// Flow:
//   sqs_desk desk(writer); desk.start();
//   if (!desk.submit([&] { ... desk.ask(commands) ... desk.moves() ... })) throttled;
//   desk.stop();                                  // before the writer stops
// Work runs in the order in which it came; between two of them the move tasks make their next step. With no task and no
// work the thread sleeps.
// Bounds: 1,000 wait; sqs_moves' own.
// Threads: start and stop on the main thread, submit from any; moves and ask inside of work only.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "jobs/logic/sqs_moves.hpp"
#include "jobs/session/writer.hpp"

namespace fairing::jobs {

class sqs_desk {
 public:
  using work = std::move_only_function<void()>;
  static constexpr std::size_t most_waiting = 1'000;

  explicit sqs_desk(writer& w) : writer_(w) {}
  ~sqs_desk() { stop(); }
  sqs_desk(const sqs_desk&) = delete;
  sqs_desk& operator=(const sqs_desk&) = delete;

  void start();
  void stop();  // what waits is done first
  // False: too many wait, or it has been stopped.
  [[nodiscard]] bool submit(work w);

  [[nodiscard]] sqs_moves& moves() noexcept { return moves_; }
  // In one batch; waits for it. As many replies as commands, at least one; where the writer takes no more, errors.
  [[nodiscard]] std::vector<result<reply>> ask(std::vector<command> commands);

 private:
  void run();
  [[nodiscard]] bool next(work& w);  // false: the end; `w` empty: a move task's time has come
  void step_moves();

  writer& writer_;
  sqs_moves moves_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<work> waiting_;
  bool open_ = false;
  std::thread thread_;
};

}  // namespace fairing::jobs
