// What was written before a flush can be decoded before anything else is sent: seen by a streaming
// decoder.
#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

#include "compress/encoder.hpp"

namespace fairing::compress {
namespace {

// Decodes what arrived so far of an unfinished stream.
std::string decoded_so_far(coding c, std::string_view bytes) {
  std::string out(1 << 20, '\0');
  if (c == coding::gzip) {
    z_stream z{};
    EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    EXPECT_GE(inflate(&z, Z_SYNC_FLUSH), 0);
    out.resize(out.size() - z.avail_out);
    inflateEnd(&z);
  } else if (c == coding::br) {
    auto* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    auto in_left = bytes.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    auto room = out.size();
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    EXPECT_NE(BrotliDecoderDecompressStream(state, &in_left, &in, &room, &to, nullptr),
              BROTLI_DECODER_RESULT_ERROR);
    out.resize(out.size() - room);
    BrotliDecoderDestroyInstance(state);
  } else {
    auto* context = ZSTD_createDCtx();
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (in.pos < in.size) {
      const auto status = ZSTD_decompressStream(context, &to, &in);
      EXPECT_FALSE(ZSTD_isError(status));
      if (ZSTD_isError(status)) break;
    }
    out.resize(to.pos);
    ZSTD_freeDCtx(context);
  }
  return out;
}

class flushing : public testing::TestWithParam<coding> {};

TEST_P(flushing, everything_written_can_be_decoded) {
  auto stream = make_encoder(GetParam(), effort::fast);
  std::string sent;
  std::string written;
  for (int i = 0; i < 50; ++i) {
    const auto line = "data: event " + std::to_string(i) +
                      std::string(static_cast<std::size_t>(i) * 40, 'x') + "\n";
    stream->write(line, sent);
    written += line;
    stream->flush(sent);
    ASSERT_EQ(decoded_so_far(GetParam(), sent), written) << i;
  }
  stream->flush(sent);  // with nothing new
  stream->finish(sent);
  EXPECT_EQ(decode(GetParam(), sent, written.size()), written);
}

INSTANTIATE_TEST_SUITE_P(all, flushing, testing::Values(coding::gzip, coding::br, coding::zstd),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace fairing::compress
