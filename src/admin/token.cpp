#include "admin/token.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace fairing::admin {
namespace {

constexpr std::size_t random_bytes = 32;

std::unexpected<error> failed(int code, const std::string& what, const char* hint) {
  const std::error_code ec(code, std::generic_category());
  return fail(ec, fmt::format("{}: {}; {}", what, ec.message(), hint));
}

result<void> prepare_directory(const std::string& dir) {
  constexpr auto hint = "set FAIRING_RUNTIME_DIR to a directory of your own";
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(errno, "the runtime directory " + dir + " cannot be made", hint);
  struct stat st{};
  if (::lstat(dir.c_str(), &st) != 0)
    return failed(errno, "the runtime directory " + dir + " cannot be read", hint);
  if (!S_ISDIR(st.st_mode)) return failed(ENOTDIR, "the runtime directory " + dir, hint);
  // Whoever may rename there could put a token of his own; the sticky bit keeps others from it.
  const bool anyones = (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0;
  if (st.st_uid != ::geteuid() || anyones)
    return failed(
        EPERM, "the runtime directory " + dir + " belongs to another user or can be written by all",
        hint);
  return {};
}

result<std::string> make_token() {
  unsigned char bytes[random_bytes];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return failed(errno, "no random bytes for the token", "the kernel must provide getrandom");
  std::string hex;
  for (const auto b : bytes) hex += fmt::format("{:02x}", b);
  return hex;
}

// The token that another instance of this user put there; empty if there is none that can be trusted.
std::string token_there(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  struct stat st{};
  char text[2 * random_bytes + 2];
  ssize_t n = -1;
  if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == ::geteuid() &&
      (st.st_mode & 077) == 0)
    n = ::read(fd, text, sizeof text);
  ::close(fd);
  if (n != static_cast<ssize_t>(2 * random_bytes + 1) || text[n - 1] != '\n') return {};
  const std::string token(text, 2 * random_bytes);
  return token.find_first_not_of("0123456789abcdef") == std::string::npos ? token : std::string();
}

// 0, or errno.
int write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

result<std::string> make_token_file(const std::string& dir) {
  if (auto ready = prepare_directory(dir); !ready) return std::unexpected(ready.error());
  const auto path = dir + "/token";
  if (auto known = token_there(path); !known.empty()) return known;
  auto token = make_token();
  if (!token) return token;
  auto temporary = path + ".XXXXXX";
  constexpr auto hint = "make room or give write permission there";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return failed(errno, "the token file " + path + " cannot be made", hint);
  int code = write_whole(fd, *token + "\n");
  if (::close(fd) != 0 && code == 0) code = errno;
  // Two that start at once: the first to link its file wins, the other takes that token.
  if (code == 0 && ::link(temporary.c_str(), path.c_str()) != 0) {
    if (auto known = errno == EEXIST ? token_there(path) : std::string(); !known.empty()) {
      ::unlink(temporary.c_str());
      return known;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  }
  ::unlink(temporary.c_str());
  if (code != 0) return failed(code, "the token file " + path + " cannot be written", hint);
  return token;
}

}  // namespace fairing::admin
