#include "checklist/evidence.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace fairing::checklist {

namespace {

// Values under 8 have a bucket each; above, 8 an octave.
std::size_t bucket_of(std::int64_t us) noexcept {
  const auto v = us < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(us);
  if (v < 8) return static_cast<std::size_t>(v);
  const auto octave = static_cast<std::size_t>(std::bit_width(v)) - 4;  // of 8..15: 0
  const auto index = (octave + 1) * 8 + ((v >> octave) & 7);
  return std::min(index, duration_histogram::buckets - 1);
}

struct range {
  double low;
  double width;
};
range range_of(std::size_t bucket) noexcept {
  if (bucket < 8) return {static_cast<double>(bucket), 1};
  const auto octave = bucket / 8 - 1;
  const auto width = static_cast<double>(std::uint64_t{1} << octave);
  return {static_cast<double>(8 + bucket % 8) * width, width};
}

}  // namespace

row_method row_method_of(std::string_view method) noexcept {
  if (method == "GET" || method == "HEAD") return row_method::get;
  if (method == "POST") return row_method::post;
  if (method == "PUT") return row_method::put;
  if (method == "PATCH") return row_method::patch;
  if (method == "DELETE") return row_method::del;
  return row_method::other;
}

std::string_view to_string(row_method method) noexcept {
  switch (method) {
    case row_method::get:
      return "GET";
    case row_method::post:
      return "POST";
    case row_method::put:
      return "PUT";
    case row_method::patch:
      return "PATCH";
    case row_method::del:
      return "DELETE";
    case row_method::other:
    case row_method::not_of_path:
      return "";
  }
  return "";
}

void duration_histogram::add(std::int64_t us) noexcept {
  auto& cell = cells_[bucket_of(us)];
  if (cell == std::numeric_limits<std::uint32_t>::max()) return;
  ++cell;
  ++count_;
  max_us_ = std::max(max_us_, us);
}

void duration_histogram::merge(const duration_histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets; ++i) {
    const auto room = std::numeric_limits<std::uint32_t>::max() - cells_[i];
    const auto n = std::min(room, other.cells_[i]);
    cells_[i] += n;
    count_ += n;
  }
  max_us_ = std::max(max_us_, other.max_us_);
}

std::int64_t duration_histogram::quantile(double q) const noexcept {
  const auto rank = q * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (cells_[i] == 0) continue;
    const auto here = static_cast<double>(cells_[i]);
    if (below + here >= rank) {
      const auto [low, width] = range_of(i);
      const auto value = static_cast<std::int64_t>(low + width * (rank - below) / here);
      return std::min(value, max_us_);
    }
    below += here;
  }
  return max_us_;
}

void row_counts::merge(const row_counts& other) noexcept {
  requests += other.requests;
  by_tier += other.by_tier;
  state_changing += other.state_changing;
  limited += other.limited;
  plain_answers += other.plain_answers;
  plain_bytes += other.plain_bytes;
  encoded_answers += other.encoded_answers;
  encoded_bytes += other.encoded_bytes;
  lists += other.lists;
  long_lists += other.long_lists;
  longest_list = std::max(longest_list, other.longest_list);
  measured += other.measured;
  repeats += other.repeats;
  changed += other.changed;
  repeats_us += other.repeats_us;
  durations.merge(other.durations);
}

std::string row::label() const {
  if (path.empty()) return route.empty() ? "(default)" : route;
  const auto word = to_string(method);
  return word.empty() ? path : std::string(word) + " " + path;
}

}  // namespace fairing::checklist
