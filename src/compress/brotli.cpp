#include <brotli/decode.h>
#include <brotli/encode.h>

#include <algorithm>
#include <new>

#include "base/assert.hpp"
#include "compress/codecs.hpp"

namespace fairing::compress::detail {

namespace {

constexpr std::uint32_t stream_window_bits = 15;  // bounds the memory of a live fast stream
constexpr std::uint32_t fast_window_bits = 18;
constexpr std::uint32_t best_window_bits = 22;

struct encoder_deleter {
  void operator()(BrotliEncoderState* s) const { BrotliEncoderDestroyInstance(s); }
};

class brotli_encoder final : public encoder {
 public:
  explicit brotli_encoder(effort e)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_QUALITY,
                              static_cast<std::uint32_t>(level_of(brotli_levels, e)));
    BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_LGWIN,
                              e == effort::fast ? stream_window_bits : best_window_bits);
  }

  void write(std::string_view bytes, std::string& out) override {
    run(bytes, BROTLI_OPERATION_PROCESS, out);
  }
  void flush(std::string& out) override { run({}, BROTLI_OPERATION_FLUSH, out); }
  void finish(std::string& out) override { run({}, BROTLI_OPERATION_FINISH, out); }

 private:
  void run(std::string_view bytes, BrotliEncoderOperation operation, std::string& out) {
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t in_left = bytes.size();
    std::size_t no_room = 0;  // brotli keeps the output; it is taken from its own buffer below
    do {
      if (!BrotliEncoderCompressStream(state_.get(), operation, &in_left, &in, &no_room, nullptr,
                                       nullptr)) {
        FAIRING_BUG("brotli_stream_misused");
        return;
      }
      std::size_t ready = 0;  // in: 0 means all there is
      const auto* data = BrotliEncoderTakeOutput(state_.get(), &ready);
      out.append(reinterpret_cast<const char*>(data), ready);
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_.get()));
  }

  std::unique_ptr<BrotliEncoderState, encoder_deleter> state_;
};

}  // namespace

std::unique_ptr<encoder> make_brotli(effort e) { return std::make_unique<brotli_encoder>(e); }

std::optional<std::string> encode_brotli(effort e, std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  std::string out;
  const auto window = static_cast<int>(e == effort::fast ? fast_window_bits : best_window_bits);
  bool ok = false;
  append_filled(
      out, BrotliEncoderMaxCompressedSize(bytes.size()), [&](char* data, std::size_t room) {
        ok =
            BrotliEncoderCompress(level_of(brotli_levels, e), window, BROTLI_MODE_TEXT,
                                  bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  &room, reinterpret_cast<std::uint8_t*>(data)) != BROTLI_FALSE;
        return ok ? room : 0;
      });
  if (!ok || out.size() >= bytes.size()) return std::nullopt;
  return out;
}

std::optional<std::string> decode_brotli(std::string_view bytes, std::size_t max_bytes) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), &BrotliDecoderDestroyInstance);
  if (state == nullptr) return std::nullopt;
  const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t in_left = bytes.size();
  std::string out;
  for (;;) {
    const auto room = std::min(stream_room, max_bytes - out.size() + 1);
    auto status = BROTLI_DECODER_RESULT_ERROR;
    append_filled(out, room, [&](char* data, std::size_t n) {
      std::size_t left = n;
      auto* next = reinterpret_cast<std::uint8_t*>(data);
      status = BrotliDecoderDecompressStream(state.get(), &in_left, &in, &left, &next, nullptr);
      return n - left;
    });
    if (out.size() > max_bytes) return std::nullopt;
    if (status == BROTLI_DECODER_RESULT_SUCCESS) {
      if (in_left != 0) return std::nullopt;
      return out;
    }
    if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return std::nullopt;
  }
}

}  // namespace fairing::compress::detail
