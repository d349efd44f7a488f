// read_ahead: the pages of the indexes that are counted at the start, asked of the disk all at once.
//
// Problem: a start counts the jobs of each state from an index. Its pages lie scattered over the file, SQLite reads one
// after another, and behind a cold page cache each is a wait for the disk: for a million jobs most of a second. The
// inner pages name all leaves: they are few, and with them known the disk can be given its whole work at once.
//
// Flow:  auto file = mapped_file::of(fd);  ...  database::open(...);  read_ahead(db, file);
// A hint only: whatever does not look as expected ends it, and newer pages in the log do no harm. The file is mapped
// because a descriptor of it must not be closed while SQLite has it open: that would drop the locks of the process (which
// is why `of` takes one that was opened and is closed before). The mapping is never read: a bad sector would be SIGBUS.
// Cost: 1 us a page that is cached, 15 us one that is not; at most `most_leaves`. Threads: the store's.
// Source: SQLite, "Database File Format" §1.6 (b-tree pages); fcntl(2), "Advisory record locking".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

inline constexpr std::size_t most_leaves = 1 << 20;

// Address space with a file behind it, for hints.
class mapped_file {
 public:
  mapped_file() = default;
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&&) = delete;
  ~mapped_file();
  // Empty where the file is, or where there is no room: then there are no hints.
  [[nodiscard]] static mapped_file of(int fd) noexcept;

  void will_need(std::uint64_t offset, std::size_t bytes) const noexcept;

 private:
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

// Numbers (from 1) of the leaves of the index with this root, in the index's order, as the file has them; a part of them,
// or none, where a page cannot be read or is no page of an index. At most `most`.
[[nodiscard]] std::vector<std::uint32_t> index_leaves(database& db, std::uint32_t root,
                                                      std::size_t most);

// For the indexes of table `job`.
void read_ahead(database& db, const mapped_file& file);

}  // namespace fairing::jobs::sqlite
