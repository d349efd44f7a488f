// request_source: the requests a load run sends, as bytes ready for the wire.
//
// Problem: making a request must cost next to nothing, and yet it may have to bear a new URL each
// time. Flow: make(plan) once; then append_next(out) for each request.
//   A target with {n} gets a counter that begins at `first` and, with `cycle`, wraps after so many;
//   fixed targets are taken in turn.
// Threads: one. Cost: one append of the prepared bytes (three and an integer with {n}).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::bench {

struct request_plan {
  std::string method = "GET";
  std::string authority;             // the Host field
  std::vector<std::string> targets;  // origin-form, such as /kb1 or /miss/{n}; at least one
  std::vector<std::string> fields;   // whole field lines, such as "Accept-Encoding: gzip"
  std::uint64_t first = 0;           // the first value of {n}
  std::uint64_t cycle = 0;  // how many values {n} takes before it begins again; 0 for no end
  bool unique = false;      // a target without {n} gets one, as the query ?u={n}
};

class request_source {
 public:
  // Precondition: plan.targets is not empty.
  explicit request_source(const request_plan& plan);

  void append_next(std::string& out);

 private:
  struct prepared {
    std::string before;  // up to {n}, or the whole request
    std::string after;   // from behind {n}
    bool numbered;
  };

  std::vector<prepared> requests_;
  std::size_t turn_ = 0;
  std::uint64_t first_;
  std::uint64_t cycle_;
  std::uint64_t made_ = 0;
};

// "http://HOST:PORT/TARGET" in its parts; false if it is not such a URL (https is not spoken here).
struct url_parts {
  std::string host;
  std::uint16_t port;
  std::string target;
};
[[nodiscard]] bool split_url(std::string_view url, url_parts& out);

}  // namespace fairing::bench
