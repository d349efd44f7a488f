#include "bench/origin/bodies.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <iterator>

namespace fairing::bench {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): the same sequence everywhere.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string make_text(std::size_t size) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out(size, ' ');
  for (std::size_t i = 0; i < size; ++i) out[i] = alphabet[mixed(i) % alphabet.size()];
  return out;
}

std::string make_products(std::size_t size) {
  constexpr std::array adjectives = {"light", "sturdy",  "folding",   "compact",  "waterproof",
                                     "quiet", "classic", "ergonomic", "cordless", "recycled"};
  constexpr std::array nouns = {"lamp",  "desk", "backpack", "kettle", "headphones",
                                "chair", "tent", "keyboard", "bottle", "bicycle pump"};
  constexpr std::array tags = {"home", "office", "outdoor", "travel", "sale", "new", "gift"};
  std::string out = R"({"items":[)";
  for (std::uint64_t i = 0; out.size() < size; ++i) {
    const auto r = mixed(i);
    const auto& adjective = adjectives[r % adjectives.size()];
    const auto& noun = nouns[(r >> 8) % nouns.size()];
    fmt::format_to(
        std::back_inserter(out),
        R"({}{{"id":{},"sku":"{:08X}","name":"{} {}","description":"A {} {} for {} and {}.",)"
        R"("price":{{"amount":{}.{:02},"currency":"EUR"}},"stock":{},"rating":{}.{},)"
        R"("tags":["{}","{}"],"updated_at":"2026-{:02}-{:02}T{:02}:{:02}:00Z"}})",
        i == 0 ? "" : ",", 1000 + i, static_cast<std::uint32_t>(r >> 16), adjective, noun,
        adjective, noun, tags[(r >> 5) % tags.size()], tags[(r >> 11) % tags.size()],
        5 + (r >> 20) % 400, (r >> 30) % 100, (r >> 34) % 500, 3 + (r >> 40) % 2, (r >> 42) % 10,
        tags[(r >> 5) % tags.size()], tags[(r >> 11) % tags.size()], 1 + (r >> 44) % 12,
        1 + (r >> 48) % 28, (r >> 52) % 24, (r >> 56) % 60);
  }
  out += R"(],"next":"/api/products?after=1200"})";
  return out;
}

std::string gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int level = 6;
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return result == Z_STREAM_END ? out : std::string{};
}

}  // namespace

bodies::bodies()
    : text_(make_text(text_limit)), json_(make_products(69'000)), json_gzip_(gzipped(json_)) {}

std::size_t fill_size(std::uint64_t n) noexcept {
  constexpr double least = 200;
  constexpr double octaves = 10;  // 200 B to 204,800 B
  const double share = static_cast<double>(mixed(n) >> 11) * 0x1p-53;
  return static_cast<std::size_t>(least * std::exp2(octaves * share));
}

}  // namespace fairing::bench
