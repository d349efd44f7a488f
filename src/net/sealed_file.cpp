#include "net/sealed_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace fairing::net {

namespace {
std::atomic<std::size_t> live_files{0};
std::atomic<std::size_t> file_limit{16384};

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}
}  // namespace

void sealed_file::set_limit(std::size_t files) noexcept { file_limit = files; }
std::size_t sealed_file::live() noexcept { return live_files; }

boost::intrusive_ptr<sealed_file> sealed_file::create(std::span<const std::string_view> parts) {
  if (live_files.load(std::memory_order_relaxed) >= file_limit.load(std::memory_order_relaxed))
    return nullptr;
  const int fd = ::memfd_create("fairing-body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return nullptr;
  std::uint64_t size = 0;
  for (const auto part : parts) {
    if (!write_all(fd, part)) {
      ::close(fd);
      return nullptr;
    }
    size += part.size();
  }
  (void)::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  live_files.fetch_add(1, std::memory_order_relaxed);
  return boost::intrusive_ptr<sealed_file>(new sealed_file(fd, size));
}

sealed_file::~sealed_file() {
  ::close(fd_);
  live_files.fetch_sub(1, std::memory_order_relaxed);
}

std::size_t sealed_file::read(std::uint64_t offset, std::span<char> out) const noexcept {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n =
        ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace fairing::net
