// codecs: the three libraries behind encoder.hpp, one file each, and the levels that were chosen.
//
// Levels, measured on a 69 KB JSON list of products (one core, whole body; MB/s and ratio):
//
//     gzip, zlib        1: 330 4.02   3: 119 4.60   6:  49 5.27
//     gzip, libdeflate  1: 325 4.33   2: 229 4.49   6:  75 5.25   9:  21 5.49  12: 5.8 5.76
//     br                1: 425 4.47   2: 316 4.62   4: 111 4.69   5:  68 5.23  10: 3.0 6.09
//     zstd              1: 622 4.67   3: 563 4.90   5: 172 4.82   9:  60 5.44  17: 5.8 5.94
//
// A zlib stream that is made anew costs 602 us instead of 214, so contexts are kept; br 1 falls to
// a ratio of 3.6 when it gets 8 KiB at a time, br 2 does not.
// Threads: any; each thread keeps a few contexts (context_cache), and one taken by a streaming
// encoder returns to the cache of the thread that destroys it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compress/encoder.hpp"

namespace fairing::compress::detail {

struct levels {
  int fast;
  int best;
};
inline constexpr levels gzip_stream_levels{1, 9};
inline constexpr levels gzip_whole_levels{1, 12};
inline constexpr levels brotli_levels{2, 10};
inline constexpr levels zstd_levels{3, 17};

[[nodiscard]] constexpr int level_of(const levels& l, effort e) noexcept {
  return e == effort::fast ? l.fast : l.best;
}

// A few unused contexts of one kind a thread: making one costs up to as much as a small body's
// compression.
template <class T, std::size_t Max = 4>
class context_cache {
 public:
  [[nodiscard]] std::unique_ptr<T> take() {
    if (free_.empty()) return nullptr;
    auto out = std::move(free_.back());
    free_.pop_back();
    return out;
  }
  void give(std::unique_ptr<T> context) {
    if (context != nullptr && free_.size() < Max) free_.push_back(std::move(context));
  }

 private:
  std::vector<std::unique_ptr<T>> free_;
};

[[nodiscard]] std::unique_ptr<encoder> make_gzip(effort e);
[[nodiscard]] std::unique_ptr<encoder> make_brotli(effort e);
[[nodiscard]] std::unique_ptr<encoder> make_zstd(effort e);

// nullopt unless the result is smaller than the input.
[[nodiscard]] std::optional<std::string> encode_gzip(effort e, std::string_view bytes);
[[nodiscard]] std::optional<std::string> encode_brotli(effort e, std::string_view bytes);
[[nodiscard]] std::optional<std::string> encode_zstd(effort e, std::string_view bytes);

// nullopt for what is broken, cut short, followed by anything else, or larger than max_bytes
// decoded.
[[nodiscard]] std::optional<std::string> decode_gzip(std::string_view bytes, std::size_t max_bytes);
[[nodiscard]] std::optional<std::string> decode_brotli(std::string_view bytes,
                                                       std::size_t max_bytes);
[[nodiscard]] std::optional<std::string> decode_zstd(std::string_view bytes, std::size_t max_bytes);

// Grows `out` by up to `room` bytes, lets `fill(data, room)` write there, keeps what fill says it
// wrote.
template <class Fill>
std::size_t append_filled(std::string& out, std::size_t room, Fill&& fill) {
  const auto before = out.size();
  out.resize(before + room);
  const std::size_t written = fill(out.data() + before, room);
  out.resize(before + written);
  return written;
}

inline constexpr std::size_t stream_room = 16 * 1024;  // output is grown by so much at a time

}  // namespace fairing::compress::detail
