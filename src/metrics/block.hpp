// block: a registry's per-thread blocks of cells, and how a thread finds and gives back its own.
//
// Problem: an increment must touch only memory of its own thread, and no count may be lost when
// threads come and go. Blocks belong to the registry; a thread borrows one at its first increment
// and gives it back, with its sums in it, when it ends.
// Threads: cells are written by the borrower alone (those of `shared` by anyone, with atomic adds);
// sums may be read by anyone at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "metrics/registry.hpp"

namespace fairing::metrics::detail {

inline constexpr std::uint32_t cells_per_registry = 32'768;

struct block {
  alignas(64) std::array<std::atomic<std::uint64_t>, cells_per_registry> cells{};
  bool borrowed = false;  // guarded by registry_impl::mutex
};

enum class metric_type : std::uint8_t {
  counter,    // only grows
  gauge,      // goes up and down
  histogram,  // buckets, sum and count
};
[[nodiscard]] std::string_view to_string(metric_type type) noexcept;

// A value that is asked for at scrape time.
struct callback {
  std::mutex mutex;  // held while `read` runs and while it is taken away
  std::function<double()> read;
};

struct series {
  labels shown;                             // as registered, for output
  bool permanent = false;                   // registered without a scope: stays
  std::uint32_t scopes = 0;                 // that registered it; with the last it goes
  std::uint32_t cell = 0;                   // first cell; unused by a callback
  std::vector<std::int64_t> bounds_us;      // histograms only; never changed after registration
  std::shared_ptr<callback> from_callback;  // null for cells
};

struct family {
  std::string name;
  std::string help;
  metric_type type = metric_type::counter;
  std::vector<std::unique_ptr<series>> members;  // unique_ptr: bounds_us must not move
};

struct registry_impl : std::enable_shared_from_this<registry_impl> {
  mutable std::mutex mutex;
  block shared;                                // any thread's, with atomic adds
  std::vector<std::unique_ptr<block>> blocks;  // borrowed or free; only ever grows
  std::vector<family> families;                // in order of registration
  std::uint32_t next_cell = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> free_cells;  // {count, first} of series gone
  std::size_t callbacks = 0;
  std::uint64_t refused = 0;
  std::atomic<bool> closed{false};  // the registry is gone: threads let go of their blocks

  // A free block, or a new one; null when memory is short.
  [[nodiscard]] block* borrow() noexcept;
  void give_back(block* b) noexcept;
  // Summed over blocks. Caller holds mutex.
  [[nodiscard]] std::uint64_t sum(std::uint32_t cell) const noexcept;
  // One scope fewer holds it; the last gives its cells back. Nobody may count on it any more.
  void release(const series* s);
};

}  // namespace fairing::metrics::detail
