// value: the data types of Structured Field Values (RFC 9651 §3).
//
// Plain values that own their bytes: a field is parsed once, off the byte-counting paths.
// Comparable, copyable; no invariants are kept here: serialize() refuses what the format cannot
// express.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fairing::codec::structured_fields {

// A number with three decimal places, exact: 1.5 is 1500.
struct decimal {
  std::int64_t thousandths = 0;
  bool operator==(const decimal&) const = default;
};
struct token {
  std::string text;  // `gzip`, `*`, `text/html`
  bool operator==(const token&) const = default;
};
struct byte_sequence {
  std::string bytes;
  bool operator==(const byte_sequence&) const = default;
};
struct date {
  std::int64_t seconds = 0;  // since 1970
  bool operator==(const date&) const = default;
};
struct display_string {
  std::string utf8;
  bool operator==(const display_string&) const = default;
};

// A plain std::string is an RFC 9651 String: printable ASCII.
using bare_item = std::variant<std::int64_t, decimal, std::string, token, byte_sequence, bool, date,
                               display_string>;

// Keys in order of first appearance; the last value of a repeated key counts.
struct parameters {
  std::vector<std::pair<std::string, bare_item>> entries;
  [[nodiscard]] const bare_item* find(std::string_view key) const noexcept {
    for (const auto& [name, value] : entries)
      if (name == key) return &value;
    return nullptr;
  }
  bool operator==(const parameters&) const = default;
};

struct item {
  bare_item value;
  parameters params;
  bool operator==(const item&) const = default;
};
struct inner_list {
  std::vector<item> items;
  parameters params;
  bool operator==(const inner_list&) const = default;
};
using member = std::variant<item, inner_list>;

struct list {
  std::vector<member> members;
  bool operator==(const list&) const = default;
};
struct dictionary {
  std::vector<std::pair<std::string, member>> members;
  [[nodiscard]] const member* find(std::string_view key) const noexcept {
    for (const auto& [name, value] : members)
      if (name == key) return &value;
    return nullptr;
  }
  bool operator==(const dictionary&) const = default;
};

}  // namespace fairing::codec::structured_fields
