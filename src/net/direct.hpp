// direct: recv and send of a socket that never blocks, without glibc's cancellation points.
//
// Problem: in a process with threads glibc brackets each of these calls with two atomic operations, so that the thread
// may be cancelled meanwhile. No thread here ever is, and a cache hit is little more than these two calls.
// Flow:  const auto n = direct_recv(fd, room.data(), room.size());   // as ::recv, errno included
// Under a sanitizer glibc's own are called: it looks into those.
// Threads: any. Source: glibc, sysdeps/unix/sysv/linux/sysdep-cancel.h.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace fairing::net {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

[[nodiscard]] inline ssize_t direct_recv(int fd, void* to, std::size_t size) noexcept {
  if constexpr (sanitized) return ::recv(fd, to, size, MSG_DONTWAIT);
  return ::syscall(SYS_recvfrom, fd, to, size, MSG_DONTWAIT, nullptr, nullptr);
}

[[nodiscard]] inline ssize_t direct_send(int fd, const void* from, std::size_t size,
                                         int flags) noexcept {
  if constexpr (sanitized) return ::send(fd, from, size, flags);
  return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}

}  // namespace fairing::net
