// cli_top: the counters of /metrics, and the queues of /v1/queues, as one frame of text.
//
// Flow:  auto now = parse_metrics(body);  frame(now, queues, &before, 1.0)   // rates against the frame before
// Rows of planes that are not there are left out; of the queues the ten fullest are shown.
// Pure. Lines that are not Prometheus text 0.0.4 are skipped; at most 20,000 samples are kept.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairing::app {

struct sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};
using samples = std::vector<sample>;

[[nodiscard]] samples parse_metrics(std::string_view text);
// Sum of a metric, by the values of one label; an empty label is one sum under "".
[[nodiscard]] std::map<std::string, double> sum_by(const samples& all, std::string_view name,
                                                   const std::string& label);

// Whether /v1/queues is to be asked.
[[nodiscard]] bool has_jobs(const samples& all);
// `queues`: what /v1/queues answered, a refusal as well; empty: there is no jobs plane. `before` may be null: totals
// without rates.
[[nodiscard]] std::string frame(const samples& now, std::string_view queues, const samples* before,
                                double seconds);
[[nodiscard]] std::string frame_json(const samples& now, std::string_view queues);

}  // namespace fairing::app
