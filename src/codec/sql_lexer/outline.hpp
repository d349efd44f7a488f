// outline: a text without the values of its plain literals, so that what was found out of it holds for all texts that
// differ in nothing else.
//
// Problem: drivers that write values into the statement never send the same text twice, and an analysis of each costs
// more than all else that is done for it. The outline costs one look at each byte.
//
// Flow:  outline o;   if (o.read(text)) { o.bytes() is the key; o.literals()[i] is where its value is in this text }
// Two texts with the same outline have the same tokens but for the values of these literals: decimal numbers, whole
// (`\1` stands for them) or with a point (`\2`), and strings in single quotes (`''`). All other bytes are in it as they
// are. Where a quote, a dollar or a minus may mean anything else (E'..', $$..$$, strings in several parts, comments,
// control characters) read() says no.
// Threads: any one at a time. Cost: about 1 ns a byte; no allocation. Source: PostgreSQL 15's scan.l, as lexer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fairing::codec::sql_lexer {

class outline {
 public:
  static constexpr std::size_t most_bytes = 2048;  // of a text
  static constexpr std::size_t most_literals = 16;

  // A string's quotes are in it, a sign is not.
  struct literal {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool string = false;
  };

  // False: there is none, or not by these simple means.
  [[nodiscard]] bool read(std::string_view text) noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }
  // In the order of the text.
  [[nodiscard]] std::span<const literal> literals() const noexcept {
    return std::span(literals_).first(count_);
  }

 private:
  void put(std::string_view s) noexcept;
  // What begins at `at`, and where it ends; npos: no outline.
  [[nodiscard]] std::size_t number(std::string_view text, std::size_t at) noexcept;
  [[nodiscard]] std::size_t string(std::string_view text, std::size_t at) noexcept;
  [[nodiscard]] std::size_t quoted_name(std::string_view text, std::size_t at) noexcept;
  [[nodiscard]] bool take(std::size_t begin, std::size_t end, bool string) noexcept;

  std::array<char, most_bytes> bytes_{};
  std::array<literal, most_literals> literals_{};
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace fairing::codec::sql_lexer
