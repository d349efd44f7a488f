// buffers: a connection's input bytes and its gathered output.
//
// in_buffer: one growing block; parsed views stay valid until the next prepare().
// out_queue: text is appended by copying, large bodies by reference; one flush makes one gathered write. What is
// referenced stays alive in the queue until clear().
// Threads: one core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/session/body_data.hpp"
#include "net/stream.hpp"

namespace fairing::http {

class in_buffer {
 public:
  static constexpr std::size_t initial = 4 * 1024;

  [[nodiscard]] std::string_view view() const noexcept {
    return {data_.get() + begin_, end_ - begin_};
  }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for at least `least` more bytes; moves or grows what is there.
  [[nodiscard]] std::span<char> prepare(std::size_t least) {
    if (capacity_ - end_ < least) {
      if (capacity_ - size() >= least && capacity_ >= initial) {
        std::memmove(data_.get(), data_.get() + begin_, size());
      } else {
        std::size_t grown = capacity_ ? capacity_ : initial;
        while (grown - size() < least) grown *= 2;
        auto bigger = std::make_unique_for_overwrite<char[]>(grown);
        if (size()) std::memcpy(bigger.get(), data_.get() + begin_, size());
        data_ = std::move(bigger);
        capacity_ = grown;
      }
      end_ -= begin_;
      begin_ = 0;
    }
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) noexcept { end_ += n; }
  // Gives memory back when nothing is buffered and the block has grown.
  void shrink() noexcept {
    if (!empty() || capacity_ <= initial) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

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
