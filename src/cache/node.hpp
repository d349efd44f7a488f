// node: what a shard keeps of one entry, 36 bytes, and the slab that holds them under 32-bit
// numbers.
//
// Problem: at most 48 bytes an entry besides key, tags and value. So links are 32-bit numbers,
// pointers 48 bits (user addresses on x86-64 and AArch64), the checked sequence 46 bits (two years
// at a million purges a second) and the expiry 39 bits of milliseconds (17 years of uptime).
//
// Key and tags live in one heap block: tags (8 bytes each), 2 bytes of key length, key.
// Threads: none of its own; a shard's lock covers all. Cost: no allocation but one chunk every 128
// nodes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "cache/ledger.hpp"
#include "cache/purge_log.hpp"

namespace fairing::cache {

class value;

inline constexpr std::uint32_t no_node = 0xffffffff;
inline constexpr std::size_t max_key_bytes = 0xffff;
inline constexpr std::uint64_t max_expiry_ms = (std::uint64_t{1} << 39) - 1;

// The heap block of an entry's tags and key.
class key_block {
 public:
  [[nodiscard]] static constexpr std::size_t size(std::size_t key_bytes,
                                                  std::size_t tags) noexcept {
    return tags * sizeof(tag_hash) + sizeof(std::uint16_t) + key_bytes;
  }
  // The caller owns what is returned and frees it with destroy(). key.size() <= max_key_bytes.
  [[nodiscard]] static std::byte* make(std::string_view key, std::span<const tag_hash> tags) {
    auto* block = static_cast<std::byte*>(::operator new(size(key.size(), tags.size())));
    if (!tags.empty()) std::memcpy(block, tags.data(), tags.size_bytes());
    const auto length = static_cast<std::uint16_t>(key.size());
    std::memcpy(block + tags.size_bytes(), &length, sizeof length);
    if (!key.empty())
      std::memcpy(block + tags.size_bytes() + sizeof length, key.data(), key.size());
    return block;
  }
  static void destroy(std::byte* block) noexcept { ::operator delete(block); }
};

struct node {
  // Words, not objects, so that the node needs 4-byte alignment only.
  std::uint32_t value_low;
  std::uint32_t block_low;
  std::uint16_t value_high;
  std::uint16_t block_high;
  std::uint32_t seq_low;
  std::uint32_t seq_high : 14;
  std::uint32_t tag_count : 6;
  std::uint32_t frequency : 2;  // hits since it entered its queue, at most 3
  std::uint32_t in_main : 1;    // which queue it is linked in
  std::uint32_t soft : 1;       // was purged softly
  std::uint32_t live : 1;       // false: removed, only still linked in its queue
  std::uint32_t expiry_high : 7;
  std::uint32_t expiry_low;
  std::uint32_t fifo_next;   // towards the newer; in the free list when free
  std::uint32_t wheel_next;  // ring of its expiry slot
  std::uint32_t wheel_prev;

  [[nodiscard]] const value* held() const noexcept {
    return std::bit_cast<const value*>(std::uint64_t{value_high} << 32 | value_low);
  }
  void hold(const value* v) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(v);
    value_low = static_cast<std::uint32_t>(bits);
    value_high = static_cast<std::uint16_t>(bits >> 32);
  }
  [[nodiscard]] std::byte* block() const noexcept {
    return std::bit_cast<std::byte*>(std::uint64_t{block_high} << 32 | block_low);
  }
  void set_block(std::byte* b, std::size_t tags) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(b);
    block_low = static_cast<std::uint32_t>(bits);
    block_high = static_cast<std::uint16_t>(bits >> 32);
    tag_count = static_cast<std::uint32_t>(tags) & 63U;
  }
  [[nodiscard]] std::span<const tag_hash> tags() const noexcept {
    return {reinterpret_cast<const tag_hash*>(block()), tag_count};
  }
  [[nodiscard]] std::string_view key() const noexcept {
    const std::byte* at = block() + tag_count * sizeof(tag_hash);
    std::uint16_t length = 0;
    std::memcpy(&length, at, sizeof length);
    return {reinterpret_cast<const char*>(at + sizeof length), length};
  }
  [[nodiscard]] purge_seq checked_seq() const noexcept {
    return purge_seq{seq_high} << 32 | seq_low;
  }
  void set_checked_seq(purge_seq s) noexcept {
    seq_low = static_cast<std::uint32_t>(s);
    seq_high = static_cast<std::uint32_t>(s >> 32) & 0x3fffU;
  }
  [[nodiscard]] std::uint64_t expiry_ms() const noexcept {
    return std::uint64_t{expiry_high} << 32 | expiry_low;
  }
  void set_expiry_ms(std::uint64_t ms) noexcept {
    if (ms > max_expiry_ms) ms = max_expiry_ms;
    expiry_low = static_cast<std::uint32_t>(ms);
    expiry_high = static_cast<std::uint32_t>(ms >> 32) & 0x7fU;
  }
};
static_assert(sizeof(node) == 36 && alignof(node) == 4);
static_assert(sizeof(void*) == 8, "nodes pack 48-bit pointers");

// Nodes by number. Grows a chunk at a time when the ledger allows; never shrinks (a shard that has
// become small moves into a new slab).
class slab {
 public:
  static constexpr std::size_t chunk_nodes = 128;
  static constexpr std::size_t max_nodes = (1U << 24) - 2;  // a table slot has 24 bits for a number
  // A chunk and its pointer, twice for the directory's slack.
  static constexpr std::size_t chunk_bytes =
      heap_bytes(chunk_nodes * sizeof(node)) + 2 * sizeof(void*);

  [[nodiscard]] node& operator[](std::uint32_t i) noexcept {
    return chunks_[i / chunk_nodes][i % chunk_nodes];
  }
  [[nodiscard]] const node& operator[](std::uint32_t i) const noexcept {
    return chunks_[i / chunk_nodes][i % chunk_nodes];
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return chunks_.size() * chunk_nodes; }
  [[nodiscard]] std::size_t free_nodes() const noexcept { return free_count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.size() * chunk_bytes; }

  // A free node's number, or no_node when the slab must grow first.
  [[nodiscard]] std::uint32_t take() noexcept {
    const std::uint32_t i = free_;
    if (i == no_node) return no_node;
    free_ = (*this)[i].fifo_next;
    --free_count_;
    return i;
  }
  void give_back(std::uint32_t i) noexcept {
    (*this)[i].fifo_next = free_;
    (*this)[i].live = 0;
    free_ = i;
    ++free_count_;
  }
  // The caller has put chunk_bytes on the ledger.
  void grow() {
    const auto base = static_cast<std::uint32_t>(capacity());
    chunks_.push_back(std::make_unique<node[]>(chunk_nodes));
    for (std::uint32_t i = chunk_nodes; i-- > 0;) give_back(base + i);
  }

 private:
  std::vector<std::unique_ptr<node[]>> chunks_;
  std::uint32_t free_ = no_node;
  std::size_t free_count_ = 0;
};

}  // namespace fairing::cache
