// sqs_books: the queues as the SQS rules see them, as new as the writer's last look.
//
// Problem: reading the attributes of 10,000 queues for each request, or each time that a count changes, would cost more
// than the requests; where nobody speaks SQS it should cost nothing.
//
// Flow:  sqs_books books(view);  books.configure(names);  auto book = books.get();
// A book is made when somebody asks and the queues have changed since; settings that did not change are taken over.
// Bounds: queue_book's.  Threads: any; a short lock, then an immutable value.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "jobs/logic/sqs_queue.hpp"
#include "jobs/session/queue_view.hpp"

namespace fairing::jobs {

class sqs_books {
 public:
  explicit sqs_books(const queue_view& queues) : queues_(queues) {}

  // The queues of fairing.yaml, which the API must not drop.
  void configure(const jobs_config& c) {
    std::vector<std::string> names;
    names.reserve(c.queues.size());
    for (const auto& q : c.queues) names.push_back(q.name);
    const std::lock_guard lock(mutex_);
    configured_ = std::move(names);
    made_of_.reset();
  }

  [[nodiscard]] std::shared_ptr<const queue_book> get() {
    const std::lock_guard lock(mutex_);
    auto now = queues_.get();
    if (now != made_of_) {
      book_ = std::make_shared<const queue_book>(now->states, configured_, book_.get());
      made_of_ = std::move(now);
    }
    return book_;
  }

 private:
  const queue_view& queues_;
  std::mutex mutex_;
  std::vector<std::string> configured_;
  std::shared_ptr<const queue_list> made_of_;
  std::shared_ptr<const queue_book> book_ = std::make_shared<const queue_book>();
};

}  // namespace fairing::jobs
