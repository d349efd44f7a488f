// out_batch: what is to be sent in one gathered write: pieces of the buffer that was read, and text of our own.
//
// Problem: the relay forwards bytes as they were read, but sometimes puts a message of its own before, between or in
// the place of them. Copying what is merely forwarded would cost more than all else.
//
// Flow:  out.borrow(view of the read buffer); append_sync(out.own()); out.views(parts); ... write ...; out.clear();
// Borrowed memory must stay until clear(). Adjacent borrowed pieces become one.
// Threads: one. Cost: no allocation once the vectors have grown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::sql {

class out_batch {
 public:
  void borrow(std::string_view v) {
    if (v.empty()) return;
    seal();
    if (!pieces_.empty() && pieces_.back().data &&
        pieces_.back().data + pieces_.back().size == v.data())
      pieces_.back().size += v.size();
    else
      pieces_.push_back({v.data(), 0, v.size()});
    size_ += v.size();
  }
  // Whatever is appended to it comes after all that is there so far.
  [[nodiscard]] std::string& own() noexcept { return text_; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0 && text_.size() == sealed_; }
  // In order. The views of own text hold until own() is appended to.
  void views(std::vector<std::string_view>& out) {
    seal();
    for (const auto& p : pieces_)
      out.emplace_back(p.data ? p.data : text_.data() + p.offset, p.size);
  }
  // Whether that, borrowed, is all.
  [[nodiscard]] bool is(std::string_view borrowed) {
    seal();
    return pieces_.size() == 1 && pieces_[0].data == borrowed.data() && size_ == borrowed.size();
  }
  // If its first bytes are the `n` at `begin`, borrowed, they are taken out.
  bool drop_front(const char* begin, std::size_t n) {
    seal();
    if (pieces_.empty() || pieces_[0].data != begin || pieces_[0].size < n) return false;
    pieces_[0].data += n;
    pieces_[0].size -= n;
    size_ -= n;
    if (pieces_[0].size == 0) pieces_.erase(pieces_.begin());
    return true;
  }
  void clear() noexcept {
    pieces_.clear();
    if (text_.capacity() > keep_bytes) text_ = {};
    text_.clear();
    size_ = sealed_ = 0;
  }

 private:
  static constexpr std::size_t keep_bytes = 16 * 1024;
  struct piece {
    const char* data = nullptr;  // null: own text
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  void seal() {
    if (text_.size() == sealed_) return;
    const auto n = text_.size() - sealed_;
    if (!pieces_.empty() && !pieces_.back().data)
      pieces_.back().size += n;
    else
      pieces_.push_back({nullptr, sealed_, n});
    sealed_ = text_.size();
    size_ += n;
  }
  std::vector<piece> pieces_;
  std::string text_;
  std::size_t sealed_ = 0;  // bytes of text_ that are in pieces_
  std::size_t size_ = 0;
};

}  // namespace fairing::sql
