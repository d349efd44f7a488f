// power_loss_vfs: a file layer under SQLite that remembers what has not been synced, and can say what a power cut leaves.
//
// Problem: a kill -9 leaves the kernel's page cache whole, so it tests no fsync at all. Here every write to a database or
// its log goes through to the real file (the running program sees it, as it sees the page cache), and is kept as pending
// until xSync. A power cut takes what was synced, and of what was not any sectors: some whole writes, some torn ones, in
// any order, as a disk with a cache does.
//
// Flow:  power_loss_vfs disk;  disk.install();                       // SQLite's default from now on
//        disk.cut_after(200, seed);  ... write until disk.cut() ...   // at the 200th write, truncate or sync from now
//        disk.restore("new-folder/jobs.db");                         // what the cut left of the file and its log
//        disk.fail_syncs(30, 2);                                      // after 30 more syncs two fail
// A sync that fails does what Linux does: what was pending is on the disk in part or not at all, stays visible, and counts
// as clean: no later sync writes it. Each handle of the file that was open is told once.
// Directory entries are taken as durable at once: SQLite syncs the folder where it matters.
// Threads: any; one object a program. Source: "All File Systems Are Not Created Equal" (ALICE, OSDI 2014) for the model.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3_vfs;

namespace fairing::jobs::test {

class power_loss_vfs {
 public:
  static constexpr std::size_t sector = 512;

  void install();
  // Forgets what it knew of files; the next power cut comes with that call.
  void cut_after(std::uint64_t calls, std::uint64_t seed);
  void fail_syncs(std::uint64_t after, std::uint64_t count);
  [[nodiscard]] bool cut() const noexcept { return cut_.load(); }
  // Writes what is left of the database and its log, as they were when the power went, under a new name.
  void restore(const std::string& from, const std::string& to);

  struct tally {
    std::uint64_t kept = 0;           // unsynced writes that reached the disk whole
    std::uint64_t dropped = 0;        // and those that did not at all
    std::uint64_t torn = 0;           // and those of which some sectors did
    std::uint64_t in_checkpoint = 0;  // cuts with unsynced writes in the database itself
    std::uint64_t failed_syncs = 0;
  };
  [[nodiscard]] const tally& seen() const noexcept { return tally_; }

  // ---- what the file layer reports
  // How many syncs of the file have failed; a handle hears of later ones.
  [[nodiscard]] std::uint64_t opened(const std::string& path);
  void deleted(const std::string& path);
  void written(const std::string& path, std::int64_t at, std::string_view bytes);
  void truncated(const std::string& path, std::int64_t size);
  [[nodiscard]] bool synced(const std::string& path,
                            std::uint64_t& errors_seen);  // false: it fails

 private:
  struct change {
    std::int64_t at = 0;
    std::optional<std::string> bytes;  // nullopt: truncated to `at`
  };
  struct image {
    std::string durable;
    std::vector<change> pending;
    std::uint64_t errors = 0;
  };
  void step();
  void lose();
  void lose(image& file, double share);
  double any_share();
  static void apply(std::string& content, std::int64_t at, std::string_view bytes);

  std::mutex mutex_;
  std::map<std::string, image> files_;
  std::map<std::string, image> left_;  // by the power cut
  std::mt19937_64 random_;
  std::uint64_t calls_left_ = 0;
  std::uint64_t syncs_left_ = 0;
  std::uint64_t failing_syncs_ = 0;
  std::atomic<bool> cut_{false};
  tally tally_;
};

}  // namespace fairing::jobs::test
