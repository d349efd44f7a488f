#include "jobs/store/sqlite/read_ahead.hpp"

#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

namespace fairing::jobs::sqlite {

namespace {

constexpr unsigned char inner_page = 0x02;  // of an index
constexpr std::size_t inner_header = 12;
constexpr int deepest = 8;

[[nodiscard]] std::uint32_t big_endian(const unsigned char* p, int bytes) noexcept {
  std::uint32_t out = 0;
  for (int i = 0; i < bytes; ++i) out = out << 8 | p[i];
  return out;
}

class pages {
 public:
  pages(sqlite3_file& file, std::size_t size) : file_(file), bytes_(size) {}

  // The children of an inner page; none of any other page.
  std::vector<std::uint32_t> children(std::uint32_t number) {
    std::vector<std::uint32_t> out;
    if (!read(number) || bytes_[0] != inner_page) return out;
    const std::size_t cells = big_endian(&bytes_[3], 2);
    if (inner_header + 2 * cells > bytes_.size()) return out;
    for (std::size_t i = 0; i < cells; ++i) {
      const std::size_t cell = big_endian(&bytes_[inner_header + 2 * i], 2);
      if (cell + 4 > bytes_.size()) return out;
      out.push_back(big_endian(&bytes_[cell], 4));
    }
    out.push_back(big_endian(&bytes_[8], 4));
    return out;
  }

  bool is_inner(std::uint32_t number) { return read(number) && bytes_[0] == inner_page; }

 private:
  bool read(std::uint32_t number) {
    if (number <= 1) return false;  // the first has another header, and is no index's
    const auto at = static_cast<sqlite3_int64>(bytes_.size()) * (number - 1);
    const int n = static_cast<int>(bytes_.size());
    return file_.pMethods->xRead(&file_, bytes_.data(), n, at) == SQLITE_OK;
  }

  sqlite3_file& file_;
  std::vector<unsigned char> bytes_;
};

}  // namespace

mapped_file::mapped_file(mapped_file&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}

mapped_file::~mapped_file() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

mapped_file mapped_file::of(int fd) noexcept {
  mapped_file out;
  struct stat found{};
  if (::fstat(fd, &found) != 0 || found.st_size == 0) return out;
  const auto size = static_cast<std::size_t>(found.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return out;
  out.at_ = at;
  out.size_ = size;
  return out;
}

void mapped_file::will_need(std::uint64_t offset, std::size_t bytes) const noexcept {
  if (offset > size_ || bytes > size_ - offset) return;
  ::madvise(static_cast<char*>(at_) + offset, bytes, MADV_WILLNEED);
}

std::vector<std::uint32_t> index_leaves(database& db, std::uint32_t root, std::size_t most) {
  sqlite3_file* file = nullptr;
  const auto size = db.number("PRAGMA page_size");
  if (!size ||
      sqlite3_file_control(db.raw(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr)
    return {};
  pages all(*file, static_cast<std::size_t>(*size));
  // All leaves are equally deep: level by level, until the first page of one is a leaf.
  std::vector<std::uint32_t> level{root};
  for (int depth = 0; depth < deepest && !level.empty(); ++depth) {
    if (!all.is_inner(level.front())) return level;
    std::vector<std::uint32_t> below;
    for (const auto number : level) {
      const auto children = all.children(number);
      below.insert(below.end(), children.begin(), children.end());
      if (below.size() >= most) break;
    }
    if (below.size() > most) below.resize(most);
    level = std::move(below);
  }
  return {};
}

void read_ahead(database& db, const mapped_file& file) {
  auto roots = db.prepare(
      "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'job' AND rootpage > "
      "1");
  const auto size = db.number("PRAGMA page_size");
  if (!roots || !size) return;
  const auto bytes = static_cast<std::size_t>(*size);
  while (true) {
    const auto row = roots->step();
    if (!row || !*row) return;
    for (const auto number :
         index_leaves(db, static_cast<std::uint32_t>(roots->number(0)), most_leaves))
      if (number != 0) file.will_need(static_cast<std::uint64_t>(number - 1) * bytes, bytes);
  }
}

}  // namespace fairing::jobs::sqlite
