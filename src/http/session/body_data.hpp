// body_data: the immutable bytes of a body, in memory or in a sealed file, shared by reference.
//
// Up to `file_threshold` bytes live on the heap, larger ones in a sealed_file (PERF rule 6), unless their number is
// at its bound. Threads: any.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/sealed_file.hpp"

namespace fairing::http {

class body_data : public boost::intrusive_ref_counter<body_data> {
 public:
  static constexpr std::size_t file_threshold = 32 * 1024;

  [[nodiscard]] static boost::intrusive_ptr<const body_data> make(
      std::span<const std::string_view> parts);
  [[nodiscard]] static boost::intrusive_ptr<const body_data> make(std::string bytes);

  [[nodiscard]] std::uint64_t size() const noexcept {
    return file_ ? file_->size() : bytes_.size();
  }
  // In memory, or empty when file() is not null.
  [[nodiscard]] std::string_view memory() const noexcept { return bytes_; }
  [[nodiscard]] const net::sealed_file* file() const noexcept { return file_.get(); }
  // A copy of the whole body, for re-encoding.
  [[nodiscard]] std::string copy() const;
  // What it occupies: heap rounded up, or whole pages.
  [[nodiscard]] std::size_t cost_bytes() const noexcept;

 private:
  std::string bytes_;
  boost::intrusive_ptr<net::sealed_file> file_;
};
using body_ptr = boost::intrusive_ptr<const body_data>;

}  // namespace fairing::http
