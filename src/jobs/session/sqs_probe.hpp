// sqs_probe: how many SQS requests there were, by action, and how they ended.
//
// Flow:  sqs_probe p(registry);  p.count(kind, status);
// Labels: the actions of the API, and `Unknown` for requests that were refused before their action was known.
// Threads: any. Cost: two relaxed additions.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "codec/sqs/actions.hpp"
#include "metrics/registry.hpp"

namespace fairing::jobs {

class sqs_probe {
 public:
  explicit sqs_probe(metrics::registry& r) {
    for (std::size_t i = 0; i < requests_.size(); ++i)
      requests_[i] = r.add_counter(
          "fairing_jobs_sqs_requests_total", "SQS requests that were answered.",
          {{"action", std::string(to_string(static_cast<codec::sqs::action_kind>(i)))}});
    refused_ = r.add_counter("fairing_jobs_sqs_errors_total",
                             "SQS requests answered with an error.", {{"fault", "sender"}});
    failed_ = r.add_counter("fairing_jobs_sqs_errors_total", "SQS requests answered with an error.",
                            {{"fault", "receiver"}});
  }

  void count(codec::sqs::action_kind kind, std::uint16_t status) noexcept {
    requests_[static_cast<std::size_t>(kind)].add();
    if (status >= 500)
      failed_.add();
    else if (status >= 400)
      refused_.add();
  }

 private:
  std::array<metrics::counter, codec::sqs::action_count + 1> requests_;
  metrics::counter refused_;
  metrics::counter failed_;
};

}  // namespace fairing::jobs
