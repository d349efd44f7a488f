#include "compress/encoder.hpp"

#include "base/ascii.hpp"
#include "compress/codecs.hpp"

namespace fairing::compress {

namespace {

class identity_encoder final : public encoder {
 public:
  void write(std::string_view bytes, std::string& out) override { out += bytes; }
  void flush(std::string&) override {}
  void finish(std::string&) override {}
};

}  // namespace

std::string_view to_string(coding c) noexcept {
  switch (c) {
    case coding::identity:
      return "identity";
    case coding::gzip:
      return "gzip";
    case coding::br:
      return "br";
    case coding::zstd:
      return "zstd";
  }
  return "identity";
}

std::optional<coding> coding_from(std::string_view name) noexcept {
  for (const auto c : {coding::identity, coding::gzip, coding::br, coding::zstd})
    if (iequals(name, to_string(c))) return c;
  if (iequals(name, "x-gzip")) return coding::gzip;  // RFC 9110 §8.4.1.3
  return std::nullopt;
}

std::unique_ptr<encoder> make_encoder(coding c, effort e) {
  switch (c) {
    case coding::gzip:
      return detail::make_gzip(e);
    case coding::br:
      return detail::make_brotli(e);
    case coding::zstd:
      return detail::make_zstd(e);
    case coding::identity:
      break;
  }
  return std::make_unique<identity_encoder>();
}

std::optional<std::string> encode(coding c, effort e, std::string_view bytes) {
  switch (c) {
    case coding::gzip:
      return detail::encode_gzip(e, bytes);
    case coding::br:
      return detail::encode_brotli(e, bytes);
    case coding::zstd:
      return detail::encode_zstd(e, bytes);
    case coding::identity:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> decode(coding c, std::string_view bytes, std::size_t max_bytes) {
  switch (c) {
    case coding::gzip:
      return detail::decode_gzip(bytes, max_bytes);
    case coding::br:
      return detail::decode_brotli(bytes, max_bytes);
    case coding::zstd:
      return detail::decode_zstd(bytes, max_bytes);
    case coding::identity:
      break;
  }
  if (bytes.size() > max_bytes) return std::nullopt;
  return std::string(bytes);
}

}  // namespace fairing::compress
