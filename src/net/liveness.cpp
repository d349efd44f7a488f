#include "net/liveness.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace fairing::net {

void keep_alive(int fd, probing p) noexcept {
  const auto set = [fd](int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
  };
  if (!set(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(p.after.count()))) return;
  set(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(p.between.count()));
  set(IPPROTO_TCP, TCP_KEEPCNT, p.probes);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
}

bool has_vanished(int fd, patience p) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  // The silence alone says nothing: after an idle hour the first segment sent again would end the connection.
  const bool in_vain = info.tcpi_retransmits >= p.sent_again || info.tcpi_probes >= p.window_probes;
  return in_vain && milliseconds{info.tcpi_last_ack_recv} >= p.silence;
}

}  // namespace fairing::net
