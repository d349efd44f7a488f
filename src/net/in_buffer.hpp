// in_buffer: a connection's input bytes: one growing block; parsed views stay valid until the next prepare().
//
// Flow:  auto r = co_await stream.read_plain(in.prepare(2048)); in.commit(r.bytes); parse(in.view()); in.consume(n);
// Bounds: its owner stops reading when enough is there. Threads: one core.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace fairing::net {

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

}  // namespace fairing::net
