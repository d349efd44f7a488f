#include "codec/sql_lexer/word.hpp"

#include <array>
#include <cstddef>

#include "base/ascii.hpp"
#include "codec/sql_lexer/chars.hpp"

namespace fairing::codec::sql_lexer {

namespace {

constexpr std::size_t longest = 32;
constexpr std::size_t slots = 1024;  // about a quarter full
constexpr std::size_t words = static_cast<std::size_t>(word::count);

struct entry {
  std::array<std::uint64_t, longest / 8> bytes{};
  std::uint8_t size = 0;
};

[[nodiscard]] constexpr std::size_t place(std::uint64_t head, std::size_t size) noexcept {
  return ((head ^ (size * 0x9e3779b97f4a7c15ULL)) * 0xd6e8feb86659fd93ULL) >> 54;
}

[[nodiscard]] constexpr entry make_entry(std::string_view text) noexcept {
  entry e;
  e.size = static_cast<std::uint8_t>(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    e.bytes[i / 8] |= std::uint64_t{static_cast<unsigned char>(text[i])} << (i % 8 * 8);
  return e;
}

consteval std::array<entry, words> make_entries() {
  std::array<entry, words> table{};
#define FAIRING_SQL_ENTRY(name) \
  table[static_cast<std::size_t>(word::kw_##name)] = make_entry(#name);
  FAIRING_SQL_KEYWORDS(FAIRING_SQL_ENTRY)
#undef FAIRING_SQL_ENTRY
#define FAIRING_SQL_ENTRY(name) \
  table[static_cast<std::size_t>(word::fn_##name)] = make_entry(#name);
  FAIRING_SQL_FUNCTIONS(FAIRING_SQL_ENTRY)
#undef FAIRING_SQL_ENTRY
  return table;
}
constexpr auto entries = make_entries();

// Open addressing; 0 is empty. Words of one length that share their first eight bytes share a
// place and stand one behind the other.
consteval std::array<std::uint16_t, slots> make_index() {
  std::array<std::uint16_t, slots> index{};
  for (std::size_t id = 1; id < words; ++id) {
    if (entries[id].size == 0) continue;
    std::size_t at = place(entries[id].bytes[0], entries[id].size);
    while (index[at] != 0) at = (at + 1) % slots;
    index[at] = static_cast<std::uint16_t>(id);
  }
  return index;
}
constexpr auto table_index = make_index();

}  // namespace

word word_of(std::string_view name, std::size_t room) noexcept {
  if (name.size() > longest || name.size() < 2) return word::none;
  const char* const p = name.data();
  const std::uint64_t head = ascii_lower8(chars::load8(p, name.size(), room));
  for (std::size_t at = place(head, name.size()); table_index[at] != 0; at = (at + 1) % slots) {
    const entry& e = entries[table_index[at]];
    if (e.bytes[0] != head || e.size != name.size()) continue;
    bool same = true;
    for (std::size_t i = 8; i < name.size() && same; i += 8)
      same = ascii_lower8(chars::load8(p + i, name.size() - i, room - i)) == e.bytes[i / 8];
    if (same) return static_cast<word>(table_index[at]);
  }
  return word::none;
}

}  // namespace fairing::codec::sql_lexer
