// encoder: gzip, br and zstd behind one streaming interface, and the choice among them.
//
// Flow (streaming; out: bytes are appended):
//   auto e = make_encoder(coding::gzip, effort::fast);
//   e->write(chunk, out); e->flush(out); e->finish(out);
// Flow (whole; nullopt if not smaller):
//   auto body = encode(coding::br, effort::best, bytes);
// Threads: an encoder belongs to one thread at a time. Memory per live fast encoder: gzip 270 KiB,
// zstd 310 KiB, br 690 KiB; tens of MiB at best levels:
// those run on offload threads only.
// Libraries: zlib (streamed gzip), libdeflate (whole gzip), brotli, zstd.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairing::compress {

enum class coding : std::uint8_t { identity, gzip, br, zstd };
inline constexpr std::size_t coding_count = 4;
[[nodiscard]] std::string_view to_string(coding c) noexcept;                 // "gzip"
[[nodiscard]] std::optional<coding> coding_from(std::string_view) noexcept;  // also x-gzip

enum class effort : std::uint8_t {
  fast,  // on the serving core: gzip 1, br 2, zstd 3 (measured: codecs.hpp)
  best,  // in the background, for what is hot: gzip 12 (libdeflate; 9 streamed), br 10, zstd 17
};

class encoder {
 public:
  virtual ~encoder() = default;
  virtual void write(std::string_view bytes, std::string& out) = 0;
  virtual void flush(std::string& out) = 0;  // everything written so far can be decoded
  virtual void finish(std::string& out) = 0;
};
[[nodiscard]] std::unique_ptr<encoder> make_encoder(coding c, effort e);
[[nodiscard]] std::optional<std::string> encode(coding c, effort e, std::string_view bytes);
// Decodes a whole body, for tests and for answers that came encoded; nullopt if it is broken or
// larger than max_bytes.
[[nodiscard]] std::optional<std::string> decode(coding c, std::string_view bytes,
                                                std::size_t max_bytes);

// q-values of an Accept-Encoding field (RFC 9110 §12.5.3), per mille; a missing field accepts
// identity only (nothing asked for: nothing is compressed). What is malformed counts as q=0, a
// coding named twice has the lower q, and identity that is not named has 1: acceptable, after any
// coding that is named.
struct accepted {
  std::uint16_t q[coding_count] = {1000, 0, 0, 0};
  [[nodiscard]] bool allows(coding c) const noexcept { return q[static_cast<std::size_t>(c)] > 0; }
};
[[nodiscard]] accepted parse_accept_encoding(
    std::string_view value) noexcept;  // lines joined with ','
// The best coding of `offered` (in order of preference at equal q); identity if none is acceptable
// and identity is; nullopt if not even identity is acceptable (the caller then sends identity all
// the same or 406).
[[nodiscard]] std::optional<coding> choose(const accepted& a,
                                           std::span<const coding> offered) noexcept;

// Is a body of this type worth compressing? Text, JSON, XML, JavaScript, SVG, fonts that are not
// woff; never images, video, archives, event streams are left to the caller. Parameters are
// ignored; case-insensitive.
[[nodiscard]] bool compressible_type(std::string_view content_type) noexcept;

}  // namespace fairing::compress
