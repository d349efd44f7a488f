// routes: what the benchmark origin answers to which path.
//
//   /kb1 /kb100            1 KB and 100 KB, cacheable for an hour
//   /json69                about 69 KB of JSON; gzipped with Vary: Accept-Encoding if asked for
//   /miss/{anything}       1 KB, cacheable: a new URL is a miss
//   /slow/{any}?ms=N       1 KB, cacheable, answered after N ms (also /slow)
//   /nostore?ms=N          1 KB, `private, no-store`, answered after N ms
//   /tagged/{n}            16 bytes or so, Cache-Tag: all1m, X-Generation: the current generation
//   /fill/{n}              200 B to 200 KB, the size made of n; every eighth is text, the rest
//   binary /generation?set=N      sets the generation that /tagged tells from then on /count /reset
//   JSON of the requests answered for each path; and from zero again
//
// Flow: answer(request, now) gives head fields, body and delay; the server adds framing and Date.
// Threads: one. Cost: a few comparisons; counts are kept for at most 1024 paths.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bench/origin/bodies.hpp"
#include "bench/origin/request_scan.hpp"

namespace fairing::bench {

struct routed_answer {
  int status = 200;
  std::string_view fields;  // whole lines, each with its CRLF; valid until the next answer()
  std::string_view body;    // of the bodies; empty if `made_body` is the body
  std::string made_body;
  std::uint64_t delay_ms = 0;
};

class routes {
 public:
  [[nodiscard]] routed_answer answer(const scanned_request& request);

 private:
  struct route {
    std::string_view path;
    bool is_prefix;  // true: the path's beginning, false: the whole path
    routed_answer (routes::*make)(const scanned_request&);
  };

  [[nodiscard]] routed_answer plain(std::string_view body) const;
  [[nodiscard]] routed_answer kb1(const scanned_request&);
  [[nodiscard]] routed_answer kb100(const scanned_request&);
  [[nodiscard]] routed_answer json69(const scanned_request&);
  [[nodiscard]] routed_answer slow(const scanned_request&);
  [[nodiscard]] routed_answer nostore(const scanned_request&);
  [[nodiscard]] routed_answer tagged(const scanned_request&);
  [[nodiscard]] routed_answer fill(const scanned_request&);
  [[nodiscard]] routed_answer generation(const scanned_request&);
  [[nodiscard]] routed_answer count(const scanned_request&);
  [[nodiscard]] routed_answer reset(const scanned_request&);
  void add_count(std::string_view path);

  static constexpr std::size_t counted_paths = 1024;

  bodies bodies_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t generation_ = 1;
  std::string fields_;  // made for one answer
};

}  // namespace fairing::bench
