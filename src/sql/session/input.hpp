// input: bytes of a peer that could not be used yet; usually none.
//
// Problem: every read goes into the core's scratch block, so that an idle connection has no buffer of its own. What a
// machine has not taken when its turn ends must be kept until more has come.
//
// Flow:  bytes = in.join(fresh);  taken = machine(bytes);  in.keep(bytes, taken);
// Threads: one core. Cost: nothing where all is taken; one copy of what is left else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairing::sql {

class input {
 public:
  // All that is there, `fresh` last. Holds until keep().
  [[nodiscard]] std::string_view join(std::string_view fresh) {
    if (kept_.size() == begin_) return fresh;
    kept_.append(fresh);
    return view();
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return std::string_view(kept_).substr(begin_);
  }
  // `bytes` is what join() or view() answered; its first `taken` bytes are done with.
  void keep(std::string_view bytes, std::size_t taken) {
    const auto rest = bytes.substr(taken);
    if (rest.empty()) {
      begin_ = 0;
      if (kept_.capacity() > keep_bytes)
        kept_ = {};
      else
        kept_.clear();
    } else if (kept_.size() == begin_) {
      begin_ = 0;
      kept_.assign(rest);
    } else {
      begin_ += taken;
      if (begin_ >= keep_bytes && begin_ * 2 >= kept_.size()) {
        kept_.erase(0, begin_);
        begin_ = 0;
      }
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return kept_.size() - begin_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  static constexpr std::size_t keep_bytes = 4096;
  std::string kept_;
  std::size_t begin_ = 0;
};

}  // namespace fairing::sql
