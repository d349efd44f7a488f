// buffers: a connection's input bytes (net/in_buffer.hpp) and its gathered output.
//
// out_queue: text is appended by copying, large bodies by reference; one flush makes one gathered write. What is
// referenced stays alive in the queue until clear().
// Threads: one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/session/body_data.hpp"
#include "net/in_buffer.hpp"
#include "net/stream.hpp"

namespace fairing::http {

using net::in_buffer;

class out_queue {
 public:
  static constexpr std::size_t flush_bytes = 64 * 1024;
  static constexpr std::size_t flush_parts = 60;

  // Append freely; do not keep the reference across add().
  [[nodiscard]] std::string& text() noexcept { return text_; }

  // The range [offset, offset+length) of a body; small ranges in memory are copied.
  void add(const body_ptr& body, std::uint64_t offset, std::uint64_t length) {
    if (length == 0) return;
    if (!body->file() && length <= copy_up_to) {
      text_.append(body->memory().substr(offset, length));
      return;
    }
    referenced_ += length;
    external_.push_back({text_.size(), body, offset, length});
  }
  [[nodiscard]] bool empty() const noexcept { return text_.empty() && external_.empty(); }
  [[nodiscard]] bool full() const noexcept {
    return text_.size() + referenced_ >= flush_bytes || external_.size() * 2 >= flush_parts;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return text_.size() + referenced_; }

  // The parts in order; valid until the queue changes.
  void parts(std::vector<net::part>& out) const {
    out.clear();
    std::size_t at = 0;
    const std::string_view all(text_);
    for (const auto& e : external_) {
      if (e.text_before > at) out.push_back({.memory = all.substr(at, e.text_before - at)});
      at = e.text_before;
      if (e.body->file())
        out.push_back({.file = e.body->file(), .offset = e.offset, .length = e.length});
      else
        out.push_back({.memory = e.body->memory().substr(e.offset, e.length)});
    }
    if (at < all.size()) out.push_back({.memory = all.substr(at)});
  }
  void clear() noexcept {
    text_.clear();
    external_.clear();
    referenced_ = 0;
  }
  // The text's block, to lend between connections of a core.
  void swap_block(std::string& block) noexcept { text_.swap(block); }

 private:
  static constexpr std::size_t copy_up_to = 8 * 1024;
  struct external {
    std::size_t text_before;
    body_ptr body;
    std::uint64_t offset;
    std::uint64_t length;
  };
  std::string text_;
  std::vector<external> external_;
  std::uint64_t referenced_ = 0;
};

}  // namespace fairing::http
