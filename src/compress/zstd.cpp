#include <zstd.h>

#include <algorithm>
#include <new>

#include "base/assert.hpp"
#include "compress/codecs.hpp"

namespace fairing::compress::detail {

namespace {

// A browser must accept windows up to 8 MiB (RFC 8878 §3.1.1.1.2); a live fast stream is kept
// small.
constexpr int fast_window_log = 15;
constexpr int fast_hash_log = 13;
constexpr int fast_chain_log = 13;
constexpr int best_window_log = 22;
constexpr std::size_t kept_context_bytes = 1024 * 1024;  // larger ones are not worth keeping

struct zstd_context {
  ZSTD_CCtx* c = ZSTD_createCCtx();
  zstd_context() = default;
  ~zstd_context() { ZSTD_freeCCtx(c); }
  zstd_context(const zstd_context&) = delete;
  zstd_context& operator=(const zstd_context&) = delete;
};

context_cache<zstd_context>& kept_contexts() {
  thread_local context_cache<zstd_context> cache;
  return cache;
}

void give_back(std::unique_ptr<zstd_context> context) {
  if (ZSTD_sizeof_CCtx(context->c) <= kept_context_bytes) kept_contexts().give(std::move(context));
}

void set(ZSTD_CCtx* c, ZSTD_cParameter parameter, int value) {
  if (ZSTD_isError(ZSTD_CCtx_setParameter(c, parameter, value)))
    FAIRING_BUG("zstd_parameter_refused");
}

std::unique_ptr<zstd_context> take_context(effort e, bool stream) {
  auto context = kept_contexts().take();
  if (context == nullptr) context = std::make_unique<zstd_context>();
  if (context->c == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_reset(context->c, ZSTD_reset_session_and_parameters);
  set(context->c, ZSTD_c_compressionLevel, level_of(zstd_levels, e));
  if (stream && e == effort::fast) {
    set(context->c, ZSTD_c_windowLog, fast_window_log);
    set(context->c, ZSTD_c_hashLog, fast_hash_log);
    set(context->c, ZSTD_c_chainLog, fast_chain_log);
  }
  if (stream && e == effort::best) set(context->c, ZSTD_c_windowLog, best_window_log);
  return context;
}

class zstd_encoder final : public encoder {
 public:
  explicit zstd_encoder(effort e) : context_(take_context(e, true)) {}
  ~zstd_encoder() override {
    // A stream that was given up leaves its session open: the next user resets it.
    give_back(std::move(context_));
  }

  void write(std::string_view bytes, std::string& out) override {
    run(bytes, ZSTD_e_continue, out);
  }
  void flush(std::string& out) override { run({}, ZSTD_e_flush, out); }
  void finish(std::string& out) override { run({}, ZSTD_e_end, out); }

 private:
  void run(std::string_view bytes, ZSTD_EndDirective directive, std::string& out) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      append_filled(out, stream_room, [&](char* data, std::size_t room) {
        ZSTD_outBuffer to{data, room, 0};
        left = ZSTD_compressStream2(context_->c, &to, &in, directive);
        return to.pos;
      });
      if (ZSTD_isError(left)) {
        FAIRING_BUG("zstd_stream_misused");
        return;
      }
    } while (in.pos < in.size || (directive != ZSTD_e_continue && left > 0));
  }

  std::unique_ptr<zstd_context> context_;
};

}  // namespace

std::unique_ptr<encoder> make_zstd(effort e) { return std::make_unique<zstd_encoder>(e); }

std::optional<std::string> encode_zstd(effort e, std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  auto context = take_context(e, false);
  std::string out;
  std::size_t status = 0;
  append_filled(out, ZSTD_compressBound(bytes.size()), [&](char* data, std::size_t room) {
    status = ZSTD_compress2(context->c, data, room, bytes.data(), bytes.size());
    return ZSTD_isError(status) ? 0 : status;
  });
  give_back(std::move(context));
  if (ZSTD_isError(status) || out.size() >= bytes.size()) return std::nullopt;
  return out;
}

std::optional<std::string> decode_zstd(std::string_view bytes, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        &ZSTD_freeDCtx);
  if (context == nullptr) return std::nullopt;
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 23);  // 8 MiB
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::string out;
  for (;;) {
    const auto room = std::min(stream_room, max_bytes - out.size() + 1);
    std::size_t left = 0;
    const auto written = append_filled(out, room, [&](char* data, std::size_t n) {
      ZSTD_outBuffer to{data, n, 0};
      left = ZSTD_decompressStream(context.get(), &to, &in);
      return to.pos;
    });
    if (ZSTD_isError(left) || out.size() > max_bytes) return std::nullopt;
    if (left == 0 && in.pos == in.size) return out;  // a frame ended, and nothing follows
    if (written < room && in.pos == in.size) return std::nullopt;  // cut short
  }
}

}  // namespace fairing::compress::detail
