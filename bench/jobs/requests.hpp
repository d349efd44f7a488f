// requests: what the jobs load client sends, as bytes ready for the wire, and what it reads in answers.
//
// Problem: a client that formats and parses JSON for each job costs as much as the server. Here every request of a kind
//   has the same length, so it is made once and only its stamps are written anew.
// Flow: put_source puts({...}); puts.append_next(out, now_ns()) for each request of `batch` jobs; lease_request(...) is a
//   constant; for_each_lease(body, f) calls f(token, stamp) for each job of a lease's answer; append_ack(out, token).
// The payload is a JSON string of `payload` bytes that begins with the stamp, so that whoever runs the job knows how
//   long ago it was sent.
// Pure; threads: any. Cost: one append and twenty digits a job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::bench {

struct put_plan {
  std::string authority;  // the Host field
  std::string queue;
  std::size_t batch = 1;      // jobs a request; over 1 they are a list
  std::size_t payload = 200;  // bytes of each job's payload, 20 at least
  std::uint64_t delay_s = 0;  // not 0: they are scheduled
};

class put_source {
 public:
  explicit put_source(const put_plan& plan);
  // `stamp`: any number, such as the time in nanoseconds.
  void append_next(std::string& out, std::uint64_t stamp);

 private:
  std::string request_;
  std::vector<std::size_t> stamps_;  // where their digits are in the request
};

// A lease of up to `most` jobs that waits up to `wait_s` seconds for the first.
[[nodiscard]] std::string lease_request(std::string_view authority, std::string_view queue,
                                        std::size_t most, unsigned wait_s);

struct delivery {
  std::string_view token;
  std::uint64_t stamp = 0;
};
// The jobs of a lease's answer, in order; views into `body`. False: it is no such answer.
[[nodiscard]] bool read_deliveries(std::string_view body, std::vector<delivery>& out);

void append_ack(std::string& out, std::string_view authority, std::string_view token);

}  // namespace fairing::bench
