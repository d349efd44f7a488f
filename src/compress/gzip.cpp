#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "base/assert.hpp"
#include "compress/codecs.hpp"

namespace fairing::compress::detail {

namespace {

constexpr int gzip_window_bits = 15 + 16;  // 32 KiB, gzip framing (RFC 1952)
constexpr int memory_level = 8;

// A zlib deflate stream, used again by deflateReset.
struct deflate_context {
  z_stream z{};
  int level;
  bool ready;
  explicit deflate_context(int l)
      : level(l),
        ready(deflateInit2(&z, l, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) ==
              Z_OK) {}
  ~deflate_context() {
    if (ready) deflateEnd(&z);
  }
  deflate_context(const deflate_context&) = delete;
  deflate_context& operator=(const deflate_context&) = delete;
};

context_cache<deflate_context>& cache_of(effort e) {
  thread_local context_cache<deflate_context> caches[2];
  return caches[static_cast<std::size_t>(e)];
}

std::unique_ptr<deflate_context> take_context(effort e) {
  if (auto kept = cache_of(e).take(); kept != nullptr && deflateReset(&kept->z) == Z_OK)
    return kept;
  auto made = std::make_unique<deflate_context>(level_of(gzip_stream_levels, e));
  if (!made->ready) throw std::bad_alloc();
  return made;
}

class gzip_encoder final : public encoder {
 public:
  explicit gzip_encoder(effort e) : effort_(e), context_(take_context(e)) {}
  ~gzip_encoder() override { cache_of(effort_).give(std::move(context_)); }

  void write(std::string_view bytes, std::string& out) override {
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    while (!bytes.empty()) {
      const auto part = bytes.substr(0, most);
      run(part, Z_NO_FLUSH, out);
      bytes.remove_prefix(part.size());
    }
  }
  void flush(std::string& out) override { run({}, Z_SYNC_FLUSH, out); }
  void finish(std::string& out) override { run({}, Z_FINISH, out); }

 private:
  void run(std::string_view bytes, int mode, std::string& out) {
    auto& z = context_->z;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    do {
      append_filled(out, stream_room, [&](char* data, std::size_t room) {
        z.next_out = reinterpret_cast<Bytef*>(data);
        z.avail_out = static_cast<uInt>(room);
        if (deflate(&z, mode) == Z_STREAM_ERROR) FAIRING_BUG("gzip_stream_misused");
        return room - z.avail_out;
      });
    } while (z.avail_out == 0);
  }

  effort effort_;
  std::unique_ptr<deflate_context> context_;
};

struct compressor_deleter {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};

using compressor_ptr = std::unique_ptr<libdeflate_compressor, compressor_deleter>;

compressor_ptr make_compressor(effort e) {
  return compressor_ptr(libdeflate_alloc_compressor(level_of(gzip_whole_levels, e)));
}

}  // namespace

std::unique_ptr<encoder> make_gzip(effort e) { return std::make_unique<gzip_encoder>(e); }

std::optional<std::string> encode_gzip(effort e, std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  // The small fast one is kept; the best one is megabytes, and making it is little beside its work.
  thread_local compressor_ptr kept;
  if (kept == nullptr && e == effort::fast) kept = make_compressor(e);
  const auto made = e == effort::fast ? nullptr : make_compressor(e);
  auto* compressor = e == effort::fast ? kept.get() : made.get();
  if (compressor == nullptr) return std::nullopt;
  std::string out;
  // Room for one byte less than the input: what does not fit is not smaller.
  const auto written = append_filled(out, bytes.size() - 1, [&](char* data, std::size_t room) {
    return libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(), data, room);
  });
  if (written == 0) return std::nullopt;
  return out;
}

std::optional<std::string> decode_gzip(std::string_view bytes, std::size_t max_bytes) {
  z_stream z{};
  if (bytes.size() > std::numeric_limits<uInt>::max() || inflateInit2(&z, gzip_window_bits) != Z_OK)
    return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_streamp)> end(&z, &inflateEnd);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    // One byte beyond the limit may be decoded, to see that it is passed.
    const auto room = std::min(stream_room, max_bytes - out.size() + 1);
    int status = Z_OK;
    append_filled(out, room, [&](char* data, std::size_t n) {
      z.next_out = reinterpret_cast<Bytef*>(data);
      z.avail_out = static_cast<uInt>(n);
      status = inflate(&z, Z_NO_FLUSH);
      return n - z.avail_out;
    });
    if (out.size() > max_bytes) return std::nullopt;
    if (status == Z_STREAM_END) {
      if (z.avail_in == 0) return out;
      if (inflateReset(&z) != Z_OK) return std::nullopt;  // another member (RFC 1952 §2.2)
    } else if (status != Z_OK || (z.avail_in == 0 && z.avail_out != 0)) {
      return std::nullopt;  // broken, or cut short
    }
  }
}

}  // namespace fairing::compress::detail
