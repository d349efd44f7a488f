// liveness: a peer that vanishes is played by a filter on its socket that drops whatever comes.
#include "net/liveness.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include "net/socket.hpp"

namespace fairing::net {
namespace {

struct pair_of_sockets {
  pair_of_sockets() {
    const socket listening(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listening.native(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listening.native(), 1), 0);
    keep_alive(listening.native(), accepted_peers);
    ::getsockname(listening.native(), reinterpret_cast<sockaddr*>(&at), &size);
    here = socket(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(here.native(), reinterpret_cast<sockaddr*>(&at), size), 0);
    peer = socket(::accept(listening.native(), nullptr, nullptr));
  }
  void vanish() const {
    sock_filter drop{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &drop};
    EXPECT_EQ(::setsockopt(peer.native(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
              0);
  }
  void send(std::size_t bytes) const {
    const std::string text(bytes, 'x');
    (void)::send(here.native(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  // Until it is noticed, or is not.
  [[nodiscard]] bool is_missed(patience p, seconds within) const {
    for (const auto until = std::chrono::steady_clock::now() + within;
         std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(milliseconds{20}))
      if (has_vanished(here.native(), p)) return true;
    return false;
  }
  socket here, peer;
};

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

constexpr patience soon{.silence = milliseconds{300}, .sent_again = 2, .window_probes = 2};

TEST(liveness, what_a_socket_accepts_is_kept_alive_as_it_is) {
  const pair_of_sockets p;
  EXPECT_EQ(option(p.peer.native(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(p.peer.native(), IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option(p.peer.native(), IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(option(p.peer.native(), IPPROTO_TCP, TCP_KEEPCNT), 6);
}

TEST(liveness, a_peer_that_confirms_nothing_has_vanished) {
  const pair_of_sockets p;
  p.vanish();
  EXPECT_FALSE(has_vanished(p.here.native(), soon)) << "nothing is due to it";
  p.send(100);
  EXPECT_TRUE(p.is_missed(soon, seconds{20}));
}

TEST(liveness, a_peer_that_takes_nothing_has_not) {
  const pair_of_sockets p;
  p.send(16 << 20);
  EXPECT_FALSE(p.is_missed(soon, seconds{2})) << "it answers that it has no room";
  p.vanish();
  EXPECT_TRUE(p.is_missed(soon, seconds{30})) << "and then not even that";
}

TEST(liveness, other_sockets_are_left_alone) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const socket a(fds[0]);
  const socket b(fds[1]);
  keep_alive(a.native(), accepted_peers);
  EXPECT_EQ(option(a.native(), SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_FALSE(has_vanished(a.native()));
}

}  // namespace
}  // namespace fairing::net
