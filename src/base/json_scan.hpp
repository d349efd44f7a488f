// json_scan: reads JSON in place: checks it whole, then gives the members of an object as slices of the text.
//
// Problem: an API that stores and hands on what clients send must neither change it (numbers, order, spelling) nor
// build a tree of it to find the few members that are its own.
//
// Flow:
//   if (!json_valid(body)) 400
//   json_members(body, [&](std::string_view key, std::string_view value) { ...; return true; });
//   auto text = json_string(value);         // unescaped; nullopt: it is no string
// Bounds: 64 levels. Never throws. Threads: any. Cost: one pass for json_valid, one for each walk.
// Source: RFC 8259; texts must be UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairing {

// One value, white space around it allowed; strict.
[[nodiscard]] bool json_valid(std::string_view text) noexcept;

// The string's text; nullopt if `value` is no string. A lone surrogate becomes U+FFFD.
[[nodiscard]] std::optional<std::string> json_string(std::string_view value);
// An integer as it is written ("12", "-3"; no fraction, no exponent) that fits.
[[nodiscard]] std::optional<long long> json_integer(std::string_view value) noexcept;
[[nodiscard]] std::optional<bool> json_boolean(std::string_view value) noexcept;

// Steps through an object or array that json_valid has accepted (or is part of such a text).
class json_walk {
 public:
  explicit json_walk(std::string_view container) noexcept;
  [[nodiscard]] bool is_object() const noexcept { return open_ == '{'; }
  [[nodiscard]] bool is_array() const noexcept { return open_ == '['; }
  // False at the end. `key` is unescaped; empty in arrays.
  bool next(std::string& key, std::string_view& value);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  char open_ = 0;
};

// f(key, value) for each member of an object, until it returns false. False: it is no object, or f said so.
template <class F>
bool json_members(std::string_view object, F&& f) {
  json_walk walk(object);
  if (!walk.is_object()) return false;
  std::string key;
  std::string_view value;
  while (walk.next(key, value))
    if (!f(std::string_view(key), value)) return false;
  return true;
}

// f(value) for each element of an array, the same way.
template <class F>
bool json_elements(std::string_view array, F&& f) {
  json_walk walk(array);
  if (!walk.is_array()) return false;
  std::string key;
  std::string_view value;
  while (walk.next(key, value))
    if (!f(value)) return false;
  return true;
}

}  // namespace fairing
