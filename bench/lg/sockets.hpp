// sockets: the few system calls of the load client, with the errors in words.
//
// Flow: raise_file_limit(); open_all(host, port, n) gives n connected non-blocking sockets, so that
// a run's first request finds every connection made. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fairing::bench {

// Raises the soft limit of open files to the hard one; returns the limit in force.
std::uint64_t raise_file_limit();

// One non-blocking TCP socket with its connect begun; -1 with `why` set if that failed at once.
[[nodiscard]] int begin_connect(const std::string& host, std::uint16_t port, std::string& why);

// Connects `count` sockets, a few hundred at a time, within `timeout_ms` in all. On failure returns
// false, sets `why`, and closes what it opened.
[[nodiscard]] bool open_all(const std::string& host, std::uint16_t port, std::size_t count,
                            int timeout_ms, std::vector<int>& out, std::string& why);

// Monotonic time in nanoseconds.
[[nodiscard]] std::uint64_t now_ns() noexcept;

}  // namespace fairing::bench
