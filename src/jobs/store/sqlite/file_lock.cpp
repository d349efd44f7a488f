#include "jobs/store/sqlite/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "jobs/logic/store.hpp"

namespace fairing::jobs::sqlite {

result<file_lock> file_lock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(errc::store_failed,
                path + ": " + std::generic_category().message(errno) +
                    ": name a file in a folder that this user may write to in jobs.store");
  file_lock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 64> who{};
    const auto n = ::pread(fd, who.data(), who.size(), 0);
    const std::string holder =
        n > 0 ? std::string(who.data(), static_cast<std::size_t>(n)) : "another process";
    return fail(errc::store_failed, path + " is held by " + holder +
                                        ": stop it, or give each instance a store of its own "
                                        "(several on one need postgres://)");
  }
  const auto who = "process " + std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, who.data(), who.size(), 0) < 0)
    return fail(errc::store_failed, path + ": " + std::generic_category().message(errno));
  return lock;
}

file_lock::~file_lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace fairing::jobs::sqlite
