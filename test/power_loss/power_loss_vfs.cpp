#include "power_loss_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <new>
#include <utility>

namespace fairing::jobs::test {
namespace {

power_loss_vfs* disk = nullptr;
sqlite3_vfs* below = nullptr;
sqlite3_vfs ours;

// SQLite allocates szOsFile bytes for it; the file of the layer below stands behind it.
struct watched_file {
  sqlite3_file base;
  std::string* path;  // nullptr: not a database and not its log
  std::uint64_t errors_seen;
  [[nodiscard]] sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
watched_file& of(sqlite3_file* f) noexcept { return *reinterpret_cast<watched_file*>(f); }
sqlite3_file* real(sqlite3_file* f) noexcept { return of(f).real(); }
const sqlite3_io_methods& calls(sqlite3_file* f) noexcept { return *real(f)->pMethods; }

int close(sqlite3_file* f) {
  const int code = calls(f).xClose(real(f));
  delete of(f).path;
  return code;
}
int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return calls(f).xRead(real(f), to, size, at);
}
int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  const int code = calls(f).xWrite(real(f), from, size, at);
  if (code == SQLITE_OK && of(f).path != nullptr)
    disk->written(*of(f).path, at,
                  {static_cast<const char*>(from), static_cast<std::size_t>(size)});
  return code;
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
  const int code = calls(f).xTruncate(real(f), size);
  if (code == SQLITE_OK && of(f).path != nullptr) disk->truncated(*of(f).path, size);
  return code;
}
int sync(sqlite3_file* f, int flags) {
  if (of(f).path == nullptr) return calls(f).xSync(real(f), flags);
  // The real disk is not asked: nobody pulls its plug here.
  return disk->synced(*of(f).path, of(f).errors_seen) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}
int file_size(sqlite3_file* f, sqlite3_int64* size) { return calls(f).xFileSize(real(f), size); }
int lock(sqlite3_file* f, int level) { return calls(f).xLock(real(f), level); }
int unlock(sqlite3_file* f, int level) { return calls(f).xUnlock(real(f), level); }
int is_reserved(sqlite3_file* f, int* out) { return calls(f).xCheckReservedLock(real(f), out); }
// Size hints would make the file larger behind our back.
int control(sqlite3_file* f, int what, void* more) {
  if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
  return calls(f).xFileControl(real(f), what, more);
}
int sector_size(sqlite3_file* f) { return calls(f).xSectorSize(real(f)); }
int traits(sqlite3_file* f) { return calls(f).xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return calls(f).xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return calls(f).xShmLock(real(f), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) { calls(f).xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int remove) { return calls(f).xShmUnmap(real(f), remove); }

// Version 2: no xFetch, so that every change of the file is an xWrite.
constexpr sqlite3_io_methods methods = {2,           close,       read,    write,   truncate,
                                        sync,        file_size,   lock,    unlock,  is_reserved,
                                        control,     sector_size, traits,  shm_map, shm_lock,
                                        shm_barrier, shm_unmap,   nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
  auto& file = *::new (static_cast<void*>(f)) watched_file{};
  const int code = below->xOpen(below, name, file.real(), flags, out);
  if (code != SQLITE_OK) return code;
  file.base.pMethods = &methods;
  if (name != nullptr && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0) {
    file.path = new std::string(name);
    // A log that is opened before its database is part of the same picture.
    if ((flags & SQLITE_OPEN_WAL) != 0)
      (void)disk->opened(file.path->substr(0, file.path->size() - std::string_view("-wal").size()));
    file.errors_seen = disk->opened(*file.path);
  }
  return SQLITE_OK;
}
int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  disk->deleted(name);
  return below->xDelete(below, name, sync_folder);
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void power_loss_vfs::install() {
  disk = this;
  below = sqlite3_vfs_find("unix");
  ours = *below;
  ours.zName = "power-loss";
  ours.szOsFile = static_cast<int>(sizeof(watched_file)) + below->szOsFile;
  ours.xOpen = open;
  ours.xDelete = remove;
  ours.pNext = nullptr;
  sqlite3_vfs_register(&ours, 1);
}

void power_loss_vfs::cut_after(std::uint64_t calls, std::uint64_t seed) {
  const std::lock_guard held(mutex_);
  files_.clear();
  left_.clear();
  calls_left_ = calls;
  random_.seed(seed);
  cut_ = false;
  failing_syncs_ = 0;
}

void power_loss_vfs::fail_syncs(std::uint64_t after, std::uint64_t count) {
  const std::lock_guard held(mutex_);
  syncs_left_ = after;
  failing_syncs_ = count;
}

void power_loss_vfs::restore(const std::string& from, const std::string& to) {
  const std::lock_guard held(mutex_);
  for (const auto* end : {"", "-wal"}) {
    const auto found = left_.find(from + end);
    if (found == left_.end()) continue;
    std::ofstream out(to + end, std::ios::binary | std::ios::trunc);
    out << found->second.durable;
  }
}

std::uint64_t power_loss_vfs::opened(const std::string& path) {
  const std::lock_guard held(mutex_);
  if (!files_.contains(path)) files_[path].durable = content_of(path);
  return files_[path].errors;
}
void power_loss_vfs::deleted(const std::string& path) {
  const std::lock_guard held(mutex_);
  files_.erase(path);
}

// The cut may come before the call has had an effect that lasts: what it changed is pending, or, of a sync, not yet safe.
void power_loss_vfs::step() {
  if (cut_ || calls_left_ == 0) return;
  if (--calls_left_ == 0) lose();
}
void power_loss_vfs::written(const std::string& path, std::int64_t at, std::string_view bytes) {
  const std::lock_guard held(mutex_);
  files_[path].pending.push_back({at, std::string(bytes)});
  step();
}
void power_loss_vfs::truncated(const std::string& path, std::int64_t size) {
  const std::lock_guard held(mutex_);
  files_[path].pending.push_back({size, std::nullopt});
  step();
}
bool power_loss_vfs::synced(const std::string& path, std::uint64_t& errors_seen) {
  const std::lock_guard held(mutex_);
  step();
  auto& file = files_[path];
  if (failing_syncs_ > 0 && syncs_left_-- == 0) {
    syncs_left_ = 0;
    --failing_syncs_;
    ++tally_.failed_syncs;
    lose(file, any_share());
    ++file.errors;
  }
  for (const auto& c : file.pending) {
    if (c.bytes)
      apply(file.durable, c.at, *c.bytes);
    else
      file.durable.resize(static_cast<std::size_t>(c.at));
  }
  file.pending.clear();
  return std::exchange(errors_seen, file.errors) == file.errors;
}

void power_loss_vfs::apply(std::string& content, std::int64_t at, std::string_view bytes) {
  const auto from = static_cast<std::size_t>(at);
  if (content.size() < from + bytes.size()) content.resize(from + bytes.size(), '\0');
  content.replace(from, bytes.size(), bytes);
}

// A disk that lost all it had not synced, one that had nearly all, and anything between.
double power_loss_vfs::any_share() {
  constexpr double shares[] = {0, 0.1, 0.5, 0.9, 1};
  return shares[random_() % std::size(shares)];
}

void power_loss_vfs::lose() {
  left_ = files_;
  for (auto& [path, file] : left_) {
    if (!path.ends_with("-wal") && !file.pending.empty()) ++tally_.in_checkpoint;
    lose(file, any_share());
  }
  cut_ = true;
}

void power_loss_vfs::lose(image& file, double share) {
  std::uniform_real_distribution<double> dice(0, 1);
  for (const auto& c : file.pending) {
    if (!c.bytes) {
      if (dice(random_) < share) file.durable.resize(static_cast<std::size_t>(c.at));
      continue;
    }
    std::size_t kept = 0;
    std::size_t sectors = 0;
    const bool whole = dice(random_) < 0.5;
    const bool arrived = dice(random_) < share;
    for (std::size_t from = 0; from < c.bytes->size(); ++sectors) {
      const auto offset = static_cast<std::size_t>(c.at) + from;
      const auto size = std::min(c.bytes->size() - from, sector - offset % sector);
      if (whole ? arrived : dice(random_) < share) {
        apply(file.durable, static_cast<std::int64_t>(offset),
              std::string_view(*c.bytes).substr(from, size));
        ++kept;
      }
      from += size;
    }
    ++(kept == 0 ? tally_.dropped : kept == sectors ? tally_.kept : tally_.torn);
  }
  file.pending.clear();
}

}  // namespace fairing::jobs::test
