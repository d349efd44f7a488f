#include "advise/results.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fairing::advise {

namespace {

constexpr std::size_t length_bytes = 2;  // before each row that is kept
constexpr std::uint8_t results_of_a_text = 2;

std::uint16_t big16(const char* p) noexcept {
  std::uint16_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}

std::int32_t big32(const char* p) noexcept {
  std::uint32_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return static_cast<std::int32_t>(__builtin_bswap32(v));
}

void put_big32(char* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}

std::uint16_t length_at(const char* p) noexcept {
  std::uint16_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return v;
}

constexpr std::int32_t left_out = -2;  // length of a value that was there, but is not kept

// The row with its values of up to `longest` bytes, and of longer ones only their places. 0: `room` is too small.
std::size_t shorten(std::string_view row, std::size_t longest, std::span<char> room) noexcept {
  std::memcpy(room.data(), row.data(), 2);
  std::size_t out = 2;
  std::size_t left = std::min<std::size_t>(big16(row.data()), most_columns);
  for (std::size_t in = 2; left > 0 && in + 4 <= row.size(); --left) {
    const auto length = big32(row.data() + in);
    const auto size = static_cast<std::size_t>(std::max(length, 0));
    const bool kept = size <= longest && size <= row.size() - in - 4;
    const auto taken = kept ? size : 0;
    if (out + 4 + taken > room.size()) return 0;
    put_big32(room.data() + out, static_cast<std::uint32_t>(kept ? length : left_out));
    std::memcpy(room.data() + out + 4, row.data() + in + 4, taken);
    out += 4 + taken;
    if (size > row.size() - in - 4) break;
    in += 4 + size;
  }
  return out;
}

// Any key but a long text is kept: a key may stand behind a long text, and rows of long texts are those that are looped
// over most.
std::size_t shorten(std::string_view row, std::span<char> room) noexcept {
  for (const std::size_t longest : {64U, 36U, 20U, 11U})  // .., a uuid, a bigint, an integer
    if (const auto n = shorten(row, longest, room)) return n;
  return 0;
}

}  // namespace

row_walk::row_walk(std::string_view row) noexcept {
  if (row.size() < 2) return;
  left_ = big16(row.data());
  rest_ = row.substr(2);
}

bool row_walk::next(value_view& out) noexcept {
  if (left_ == 0 || rest_.size() < 4) return false;
  --left_;
  const auto length = big32(rest_.data());
  rest_.remove_prefix(4);
  out = {};
  if (length < 0) {
    out.null = length != left_out;
    out.left_out = length == left_out;
    return true;
  }
  const auto n = static_cast<std::size_t>(length);
  if (n > rest_.size()) {
    left_ = 0;
    return false;
  }
  out.bytes = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return true;
}

result* result_store::kept(result_handle h) noexcept {
  if (h.slot >= most_results || h.serial == 0) return nullptr;
  auto& r = results_[h.slot];
  return r.serial == h.serial ? &r : nullptr;
}

const result* result_store::find(result_handle h) const noexcept {
  if (h.slot >= most_results || h.serial == 0) return nullptr;
  const auto& r = results_[h.slot];
  return r.serial == h.serial ? &r : nullptr;
}

void result_store::touch(result_handle h) noexcept {
  if (auto* r = kept(h)) r->used = ++tick_;
}

std::uint8_t result_store::oldest(std::uint8_t keep) const noexcept {
  std::uint8_t found = no_block;
  for (std::uint8_t i = 0; i < most_results; ++i) {
    if (results_[i].serial == 0 || i == keep) continue;
    if (found == no_block || results_[i].used < results_[found].used) found = i;
  }
  return found;
}

std::uint8_t result_store::take_slot() noexcept {
  for (std::uint8_t i = 0; i < most_results; ++i)
    if (results_[i].serial == 0) return i;
  const auto slot = oldest(no_block);
  drop(slot);
  return slot;
}

std::uint8_t result_store::take_block(std::uint8_t keep) {
  // Those that were allocated come first: a block's number is the lowest that is free.
  const auto to_be_had = [this] {
    if (used_blocks_ == UINT32_MAX) return false;
    auto& lowest = blocks_[static_cast<std::size_t>(std::countr_one(used_blocks_))];
    if (lowest) return true;
    if (room_ != nullptr && !room_->take(block_bytes)) return false;
    lowest = std::make_unique_for_overwrite<char[]>(block_bytes);
    return true;
  };
  while (!to_be_had()) {
    const auto victim = oldest(keep);
    if (victim == no_block) return no_block;
    drop(victim);
  }
  const auto block = static_cast<std::uint8_t>(std::countr_one(used_blocks_));
  used_blocks_ |= 1U << block;
  chain_[block] = no_block;
  return block;
}

void result_store::drop(std::uint8_t slot) noexcept {
  auto& r = results_[slot];
  for (auto b = r.first; b != no_block;) {
    used_blocks_ &= ~(1U << b);
    b = chain_[b];
  }
  r = {};
}

result_handle result_store::begin(std::uint32_t text, std::uint64_t binary, std::int64_t now_us) {
  const auto slot = take_slot();
  const auto block = take_block(slot);
  if (block == no_block) return {};
  auto& r = results_[slot];
  r = {};
  r.text = text;
  r.serial = ++serial_;
  r.used = ++tick_;
  r.first = r.last = block;
  r.blocks = 1;
  r.open = true;
  r.binary = binary;
  r.at_us = now_us;
  return {slot, r.serial};
}

void result_store::add_row(result_handle h, std::string_view body) {
  auto* r = kept(h);
  if (r == nullptr || r->cut || body.size() < 2) return;  // a row has at least its count
  if (r->rows == rows_a_result) {
    r->cut = true;
    return;
  }
  std::array<char, longest_row> room;
  if (body.size() > longest_row) body = {room.data(), shorten(body, room)};
  const auto n = body.size();
  if (r->fill + length_bytes + n > block_bytes) {
    const auto block = r->blocks == blocks_a_result ? no_block : take_block(h.slot);
    if (block == no_block) {
      r->cut = true;
      return;
    }
    // A short mark ends the block before.
    if (r->fill + length_bytes <= block_bytes)
      std::memset(blocks_[r->last].get() + r->fill, 0, length_bytes);
    chain_[r->last] = block;
    r->last = block;
    r->fill = 0;
    ++r->blocks;
  }
  char* at = blocks_[r->last].get() + r->fill;
  const auto length = static_cast<std::uint16_t>(n);
  std::memcpy(at, &length, length_bytes);
  std::memcpy(at + length_bytes, body.data(), n);
  r->fill = static_cast<std::uint16_t>(r->fill + length_bytes + n);
  ++r->rows;
}

bool result_store::has_other(const result& r) const noexcept {
  return std::ranges::any_of(results_, [&](const result& o) {
    return o.serial != 0 && !o.open && o.serial != r.serial && o.text == r.text;
  });
}

void result_store::end(result_handle h) noexcept {
  auto* r = kept(h);
  if (r == nullptr) return;
  if (r->rows < 2 && !has_other(*r)) return drop(h.slot);
  r->open = false;
  r->used = ++tick_;
  newest_ = r->serial;
  forget_older(h.slot);
}

void result_store::forget_older(std::uint8_t slot) noexcept {
  std::uint8_t same = 0;
  std::uint8_t least = no_block;
  for (std::uint8_t i = 0; i < most_results; ++i) {
    const auto& r = results_[i];
    if (i == slot || r.serial == 0 || r.open || r.text != results_[slot].text) continue;
    ++same;
    if (least == no_block || r.serial < results_[least].serial) least = i;
  }
  if (same >= results_of_a_text) drop(least);
}

void result_store::clear() noexcept {
  for (auto& r : results_) r = {};
  used_blocks_ = 0;
}

void result_store::release() noexcept {
  clear();
  for (auto& b : blocks_) {
    if (b && room_ != nullptr) room_->left += block_bytes;
    b.reset();
  }
}

std::string_view result_store::row(const row_cursor& c) const noexcept {
  if (c.block == no_block || c.row >= c.rows) return {};
  const char* at = blocks_[c.block].get() + c.offset;
  return {at + length_bytes, length_at(at)};
}

void result_store::next(row_cursor& c) const noexcept {
  if (c.block == no_block || c.row >= c.rows) return;
  const auto size = length_at(blocks_[c.block].get() + c.offset);
  c.offset = static_cast<std::uint16_t>(c.offset + length_bytes + size);
  if (++c.row >= c.rows) return;
  const bool full = c.offset + length_bytes > block_bytes;
  if (full || length_at(blocks_[c.block].get() + c.offset) == 0) {
    c.block = chain_[c.block];
    c.offset = 0;
  }
}

value_view result_store::value(const row_cursor& c, std::size_t column,
                               bool binary) const noexcept {
  row_walk walk(row(c));
  value_view v;
  for (std::size_t i = 0; i <= column; ++i)
    if (!walk.next(v)) return {.left_out = true};
  if (binary) v.format = value_format::binary;
  return v;
}

}  // namespace fairing::advise
