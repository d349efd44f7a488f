// dead_letters: takes dead jobs of queues with a RedrivePolicy to their dead letter queues.
//
// Problem: the engine ends a job's life in its own queue; SQS moves it to another, which is the redrive of one job. A
// death may lie just before a crash, and the move may be refused: no dead letter may stay behind for that.
//
// Flow, as the writer's observer:  letters.on_open();  ...  letters.on_batch(events);
// Each death is followed by its move in the next batch. After an opening, and where a move could not be asked for, all
// dead jobs of such queues are swept, at most once a second.
// Threads: the writer's. Cost: a look at each event.
#pragma once

#include <cstdint>
#include <vector>

#include "jobs/session/sqs_books.hpp"
#include "jobs/session/writer.hpp"

namespace fairing::jobs {

class dead_letters {
 public:
  dead_letters(writer& w, sqs_books& books) : writer_(w), books_(books) {}

  void on_open() noexcept { sweep_ = true; }
  void on_batch(const std::vector<job_event>& events);

 private:
  void submit(std::vector<command> moves);

  writer& writer_;
  sqs_books& books_;
  bool sweep_ = false;
  std::int64_t next_sweep_ms_ = 0;  // steady; where sweeps fail they do not follow one another
};

}  // namespace fairing::jobs
