// queue_config: what fairing.yaml says of the jobs plane and its queues, as plain values with their defaults.
//
// Filled by app/config (which checks it), read by the jobs plane. Immutable once made. Durations in milliseconds, sizes
// in bytes; nullopt means "not said".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace fairing::jobs {

enum class misfire : std::uint8_t {
  skip,  // times that passed while nobody ran are left out
  once,  // one job for all of them
};

struct cron_config {
  std::string name;      // one job a time and name, never two
  std::string schedule;  // five fields, or @hourly ...
  std::string zone = "UTC";
  std::string payload;
  misfire on_misfire = misfire::once;
};

struct queue_config {
  std::string
      name;  // [A-Za-z0-9._-]{1,80}; a name that ends in .fifo is a FIFO queue: one job of a key at a time
  std::string push;  // URL; empty: workers lease
  std::string
      secret;  // of the push's signature: whsec_BASE64, several separated by blanks while they rotate
  milliseconds timeout{30'000};  // of one attempt: the lease's length
  std::vector<milliseconds> attempts = {milliseconds{0}, milliseconds{60'000},
                                        milliseconds{300'000}, milliseconds{1'800'000}};
  // Where the ladder ends, its last delay goes on until so many attempts; 0: it ends. Set by SQS's maxReceiveCount.
  std::uint32_t most_attempts = 0;
  double jitter = 0;  // a delay of the ladder is lengthened by up to this share
  std::optional<std::uint32_t> concurrency;      // leased at a time, over all workers
  std::optional<rate> limit;                     // leases, over all workers
  std::optional<std::uint32_t> key_concurrency;  // leased at a time, a key; FIFO queues: 1
  std::optional<rate> key_limit;                 // leases, a key
  milliseconds ageing{60'000};                   // what one step of priority is worth in waiting
  std::uint64_t payload = 1024 * 1024;           // the largest payload
  std::uint64_t max_jobs = 10'000'000;           // unfinished jobs: over that 507
  // How long a job may wait to be finished, since it could first run; after that it is dead. nullopt: for ever.
  std::optional<milliseconds> retention;
  bool retention_drops = false;  // it is cancelled instead: SQS's messages are gone then. Not a key
  milliseconds keep_done{86'400'000};  // results and finished jobs
  milliseconds keep_dead{14 * 86'400'000LL};
  std::uint64_t keep_bytes = 1ULL << 30;  // finished jobs of the queue, oldest go first
  // Of the jobs this share, chosen by id, is run twice and what both runs wrote is compared; 0: none.
  double verify_idempotency = 0;
  bool requests =
      false;  // its jobs are requests that the http plane put off and runs; not a key. Some of them
              // being left is enough, whatever the configuration says
  bool paused = false;  // at the first start; later the store remembers
  std::vector<cron_config> cron;
};

struct sqs_config {
  struct key {
    std::string id;
    std::string secret;
  };
  std::vector<key> access_keys;     // empty: signatures are not looked at
  milliseconds max_delay{900'000};  // DelaySeconds of a message
  std::string url;  // of queue URLs, without the path; empty: as the client reached us
  std::string region = "us-east-1";
  std::string account = "000000000000";
};

struct jobs_config {
  std::string listen;  // LISTEN word
  std::string token;   // bearer token of every request; empty: none is asked for (loopback only)
  std::string store;   // sqlite:PATH | postgres://...
  sqs_config sqs;
  std::vector<queue_config> queues;
  // A queue that nobody configured appears when something is put into it or a worker asks for its jobs.
  bool create_queues = true;
  std::uint64_t disk_reserve = 256ULL << 20;  // free bytes that the store leaves: over that 507
  std::uint64_t max_jobs = 100'000'000;       // live jobs: over that 507
};

}  // namespace fairing::jobs
