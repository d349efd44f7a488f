#include "jobs/store/sqlite/settled_log.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "jobs/store/sqlite/database.hpp"

namespace fairing::jobs::sqlite {

namespace {

constexpr sqlite3_int64 block = 1 << 16;  // SQLite's layer writes less than 128 KiB at a time

// A file of SQLite's layer; closed with the object.
class layer_file {
 public:
  explicit layer_file(sqlite3_vfs& layer)
      : layer_(layer), memory_(static_cast<std::size_t>(layer.szOsFile) / sizeof(void*) + 1) {}
  ~layer_file() {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
  }
  layer_file(const layer_file&) = delete;
  layer_file& operator=(const layer_file&) = delete;

  int open(sqlite3_filename name) {
    return layer_.xOpen(&layer_, name, file(), SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, nullptr);
  }
  int write_over() {
    sqlite3_int64 size = 0;
    const auto& calls = *file()->pMethods;
    if (const int code = calls.xFileSize(file(), &size); code != SQLITE_OK) return code;
    std::vector<char> bytes(static_cast<std::size_t>(std::min(size, block)));
    for (sqlite3_int64 at = 0; at < size; at += block) {
      const int n = static_cast<int>(std::min(block, size - at));
      if (const int code = calls.xRead(file(), bytes.data(), n, at); code != SQLITE_OK) return code;
      if (const int code = calls.xWrite(file(), bytes.data(), n, at); code != SQLITE_OK)
        return code;
    }
    return size == 0 ? SQLITE_OK : calls.xSync(file(), SQLITE_SYNC_FULL);
  }

 private:
  sqlite3_file* file() noexcept { return reinterpret_cast<sqlite3_file*>(memory_.data()); }

  sqlite3_vfs& layer_;
  std::vector<void*> memory_;
};

struct name_end {
  void operator()(const char* name) const noexcept { sqlite3_free_filename(name); }
};

}  // namespace

result<void> settle_log(const std::string& path) {
  sqlite3_vfs* layer = sqlite3_vfs_find(nullptr);
  if (layer == nullptr) return std::unexpected(error_of(SQLITE_ERROR, "it has no file layer"));
  std::string full(static_cast<std::size_t>(layer->mxPathname) + 1, '\0');
  if (const int code = layer->xFullPathname(layer, path.c_str(), layer->mxPathname, full.data());
      code != SQLITE_OK && code != SQLITE_OK_SYMLINK)
    return std::unexpected(error_of(code, path));
  full.resize(full.find('\0'));
  const auto log = full + "-wal";
  int there = 0;
  if (layer->xAccess(layer, log.c_str(), SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK || there == 0)
    return {};
  // The layer takes names in a form of SQLite's own.
  const std::unique_ptr<const char, name_end> name(
      sqlite3_create_filename(full.c_str(), (full + "-journal").c_str(), log.c_str(), 0, nullptr));
  if (!name) return std::unexpected(error_of(SQLITE_NOMEM, log));
  layer_file file(*layer);
  int code = file.open(sqlite3_filename_wal(name.get()));
  if (code == SQLITE_OK) code = file.write_over();
  if (code != SQLITE_OK) return std::unexpected(error_of(code, log + " cannot be made sure of"));
  return {};
}

}  // namespace fairing::jobs::sqlite
