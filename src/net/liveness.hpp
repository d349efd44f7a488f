// liveness: whether the peer of a connection is still there.
//
// Problem: a host that loses its power or its network says nothing. A connection to it looks fine for ever while nothing is
// sent on it, and for a quarter of an hour (Linux' tcp_retries2) while something is.
//
// Flow:  keep_alive(fd, accepted_peers);        // once; of a listening socket: also what it accepts, at no cost each
//        if (has_vanished(fd)) close            // now and then where bytes may be on their way: keep-alive rests then
// TCP_USER_TIMEOUT would do the second, but Linux also ends a connection by it whose peer answers and takes nothing for so
// long, as PostgreSQL does while the row of a COPY waits for a lock.
// Of sockets other than TCP both do nothing. Threads: any.
#pragma once

#include "base/clock.hpp"

namespace fairing::net {

struct probing {
  seconds after;    // so long without a byte
  seconds between;  // two probes
  int probes;       // without an answer: the connection ends
};
inline constexpr probing accepted_peers{.after = seconds{60}, .between = seconds{10}, .probes = 6};
// A server's end concerns many: half a minute.
inline constexpr probing dialled_peers{.after = seconds{15}, .between = seconds{5}, .probes = 3};

void keep_alive(int fd, probing p) noexcept;

struct patience {
  milliseconds silence{30'000};  // not a segment of the peer for so long, and
  int sent_again = 5;            // the same bytes sent so often in vain (the fifth after 6 s), or
  int window_probes = 3;         // so many questions for room unanswered
};
// Is something due to the peer that it has not so much as confirmed? One system call.
[[nodiscard]] bool has_vanished(int fd, patience p = {}) noexcept;

}  // namespace fairing::net
