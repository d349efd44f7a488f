// One value has one key, however it was written: as text, in quotes, in binary; and no bytes are read that are not its own.
#include <cstring>
#include <memory>
#include <string>

#include "advise/value.hpp"
#include "fuzz/support.hpp"

using namespace fairing::advise;
using fairing::fuzz::require;

namespace {

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::string big_endian(std::int64_t v, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i)
    out += static_cast<char>(static_cast<std::uint64_t>(v) >> (8 * i) & 0xff);
  return out;
}

void check_integer(std::string_view text, const value_key& key) {
  const auto v = key.integer;
  require(std::to_string(v) == text || text == "-0", "an integer is its own text");
  require(key.same(integer_key(v)), "the key of the number");
  require(key.same(key_of({text, 0, value_format::literal})), "as a literal");
  require(key.same(key_of({big_endian(v, 8), 20, value_format::binary})), "as an int8");
  if (v == static_cast<std::int32_t>(v))
    require(key.same(key_of({big_endian(v, 4), 23, value_format::binary})), "as an int4");
  if (v == static_cast<std::int16_t>(v))
    require(key.same(key_of({big_endian(v, 2), 0, value_format::binary})), "as an int2");
  require(count_of({text, 0, value_format::text}) == v, "counts");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto exact = std::make_unique<char[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::string_view text(exact.get(), size);
  for (const std::uint32_t type : {0U, 20U, 21U, 23U, 25U, 26U, 705U, 1042U, 1043U, 1700U, 2950U})
    for (const auto format : {value_format::text, value_format::binary, value_format::literal}) {
      const value_view v{text, type, format};
      const auto key = key_of(v);
      require(key.kind == value_kind::null || key.same(key_of(v)), "the same bytes, the same key");
      require((key.kind == value_kind::integer) || count_of(v) == -1, "only integers count");
    }
  require(!key_of({text, 0, value_format::text, true}).same(key_of({text, 0})),
          "NULL equals nothing");
  const auto key = key_of({text, 0, value_format::text});
  if (key.kind == value_kind::integer) check_integer(text, key);
  // Longer ones with quotes are compared as they are written.
  if (quoted(text).size() <= 256)
    require(key.same(key_of({quoted(text), 0, value_format::literal})), "in quotes");
  require(key.same(key_of({text, 25, value_format::binary})), "as binary text");
  return 0;
}
