// row_table: rows of counts by (site, route, path template, method), bounded.
//
// Problem: found on every request, so by one hash over a key built on the stack; bounded, so a row
// beyond the last becomes the first one, "(other)".
//
// Flow:  row_key key(site, route, path, method);  table.at(key).requests += 1;
// Threads: one at a time. Cost of at(): a hash of the key's bytes and a probe; a new row allocates.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "checklist/evidence.hpp"

namespace fairing::checklist {

// The key of a row as bytes: method, site, route, path; over-long parts are cut.
class row_key {
 public:
  row_key(std::string_view site, std::string_view route, std::string_view path,
          row_method method) noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 640> text_;
  std::size_t size_ = 0;
};

class row_table {
 public:
  static constexpr std::size_t max_rows = 256;

  struct entry {
    std::uint64_t hash = 0;
    std::string key;
    row_counts counts;
  };

  [[nodiscard]] row_counts& at(const row_key& key) { return at(key.bytes()); }
  [[nodiscard]] row_counts& at(std::string_view key) { return rows_[place_of(key)].counts; }
  // The same for one of many exchanges alike (a number other than 0): the first makes the key, the others find the
  // row by the number, as long as no other takes its place. Site and route are compared: two numbers that happen to
  // be the same never bring one route's counts into another's row.
  template <class F>
  [[nodiscard]] row_counts& at(std::uint64_t likeness, std::string_view site,
                               std::string_view route, F&& make_key) {
    auto& known = known_[likeness % known_.size()];
    if (known.likeness != likeness || likeness == 0 || !is_of(rows_[known.place].key, site, route))
      known = {likeness, static_cast<std::uint16_t>(place_of(make_key().bytes()))};
    return rows_[known.place].counts;
  }
  void clear() noexcept;
  // Keeps the rows that `holds` of (asked without counts). True if one was dropped. Slow.
  bool retain(const std::function<bool(const row&)>& holds);
  // rows()[0] is "(other)", perhaps without requests; empty if nothing came yet.
  [[nodiscard]] const std::vector<entry>& rows() const noexcept { return rows_; }
  // The key's parts as a row without counts.
  [[nodiscard]] static row unpack(std::string_view key);

  std::int64_t generation = -1;  // which hour its counts are of
  mono_time first{};             // time of the first request in it
  mono_time last{};

 private:
  struct alike {
    std::uint64_t likeness = 0;
    std::uint16_t place = 0;  // in rows_
  };
  // Is it the key of a row of that site and route? False for parts that were cut.
  [[nodiscard]] static bool is_of(std::string_view key, std::string_view site,
                                  std::string_view route) noexcept;
  [[nodiscard]] std::size_t place_of(std::string_view key);  // makes the row if there is none
  void forget_places() noexcept;

  std::vector<entry> rows_;
  std::array<alike, 256> known_{};
  std::array<std::uint16_t, 2 * max_rows> index_{};  // row + 1; 0 empty
};

}  // namespace fairing::checklist
