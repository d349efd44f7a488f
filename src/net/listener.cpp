#include "net/listener.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <latch>
#include <vector>

#include "base/ascii.hpp"
#include "base/assert.hpp"
#include "net/endpoint.hpp"
#include "net/liveness.hpp"

namespace fairing::net {

namespace {
constexpr int backlog = 4096;
constexpr int accepts_a_turn = 32;  // then the connections there are get their turn
constexpr milliseconds retry_after{50};

struct parsed_address {
  endpoint at;
  std::string unix_path;
};

result<parsed_address> parse_address(std::string_view text) {
  const auto bad = [&](std::string why) {
    return fail(std::make_error_code(std::errc::invalid_argument),
                "listen address `" + std::string(text) + "`: " + why);
  };
  if (text.starts_with("unix:")) {
    std::string path(text.substr(5));
    if (path.empty() || path.size() > endpoint::max_path)
      return bad("the socket's path must have 1 to 100 bytes");
    return parsed_address{endpoint::unix_socket(path), path};
  }
  std::string host = "127.0.0.1";
  auto port_text = text;
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = std::string(text.substr(0, colon));
    port_text = text.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
  }
  const auto port = parse_digits(port_text);
  if (!port || *port > 65535) return bad("the port must be 0 to 65535");
  const auto at = endpoint::parse(host, static_cast<std::uint16_t>(*port));
  if (!at)
    return bad("`" + host + "` is not an address; write 127.0.0.1:PORT, 0.0.0.0:PORT or unix:PATH");
  return parsed_address{*at, {}};
}

// Where it really listens: port 0 has become a number.
endpoint bound_to(const socket& s, const endpoint& asked) {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  ::getsockname(s.native(), reinterpret_cast<sockaddr*>(&raw), &length);
  return endpoint::from(reinterpret_cast<sockaddr*>(&raw), length).value_or(asked);
}

std::unexpected<error> cannot_listen(const std::string& address, const std::error_code& ec) {
  std::string hint;
  if (ec == std::errc::address_in_use)
    hint =
        "; stop who listens there (`ss -ltnp` shows it) or choose another address, port 0 takes a "
        "free one";
  else if (ec == std::errc::permission_denied)
    hint = "; ports below 1024 need CAP_NET_BIND_SERVICE, a socket's directory must be writable";
  else if (ec == std::errc::address_not_available)
    hint = "; no interface of this machine has that address";
  return fail(ec, "cannot listen on " + address + ": " + ec.message() + hint);
}

// A socket bound to `at`; it listens where `and_listen`.
result<socket> bind_to(const std::string& address, const endpoint& at, bool shared,
                       bool and_listen) {
  socket s(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!s.is_open()) return cannot_listen(address, last_error());
  const int one = 1;
  if (at.family() != AF_UNIX) {
    ::setsockopt(s.native(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (shared) ::setsockopt(s.native(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    keep_alive(s.native(), accepted_peers);
  }
  if (::bind(s.native(), at.data(), at.size()) != 0 ||
      (and_listen && ::listen(s.native(), backlog) != 0))
    return cannot_listen(address, last_error());
  return s;
}

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
}  // namespace

void send_refusal(int fd, std::string_view refusal) noexcept {
  char sink[4096];
  (void)::recv(fd, sink, sizeof sink, MSG_DONTWAIT);
  if (!refusal.empty())
    (void)::send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
}

struct listener::impl {
  struct per_core final : watched {
    // Tries again when the system was short of something; lives on its core while that accepts.
    struct retry final : timed {
      explicit retry(per_core& a) : at(a) { a.home.watch(*this); }
      void on_deadline() override {
        // Accepting may end connections, which are timed too: not inside the sweep.
        at.home.post([a = &at] { a->owner.accept(*a); });
      }
      per_core& at;
    };
    per_core(impl& o, core& c, socket s)
        : owner(o), home(c), listening(std::move(s)), spare(open_spare()) {}
    void on_ready(std::uint32_t) override { owner.accept(*this); }
    impl& owner;
    core& home;
    socket listening;
    std::unique_ptr<retry> later;
    int spare;
    bool stopped = false;
  };
  std::vector<std::unique_ptr<per_core>> acceptors;
  core_group* cores = nullptr;
  std::string address;
  std::string unix_path;
  accept_handler on_accept;
  std::string refusal;
  std::uint32_t turn = 0;

  void start(per_core& at);
  void accept(per_core& at);
  void accept_later(per_core& at);
  bool refuse(per_core& at);
  void hand_over(per_core& at, socket s);
};

listener::listener(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
listener::~listener() {
  if (impl_ && !impl_->unix_path.empty()) ::unlink(impl_->unix_path.c_str());
}
const std::string& listener::address() const noexcept { return impl_->address; }

result<std::unique_ptr<listener>> listener::open(core_group& cores, const std::string& address) {
  auto parsed = parse_address(address);
  if (!parsed) return std::unexpected(parsed.error());
  auto i = std::make_unique<impl>();
  i->cores = &cores;
  i->unix_path = parsed->unix_path;
  auto at = parsed->at;
  const bool is_unix = !i->unix_path.empty();
  if (is_unix) {
    struct stat st{};
    if (::stat(i->unix_path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode))
      ::unlink(i->unix_path.c_str());
  }
  if (!is_unix) {
    // With SO_REUSEPORT two processes could share a port unknowingly: a plain bind first finds who holds it.
    if (auto probe = bind_to(address, at, false, false); !probe)
      return std::unexpected(probe.error());
  }
  for (std::uint32_t n = 0; n < (is_unix ? 1 : cores.size()); ++n) {
    auto bound = bind_to(address, at, cores.size() > 1, true);
    if (!bound) return std::unexpected(bound.error());
    if (n == 0) {
      if (!is_unix) at = bound_to(*bound, at);
      i->address = at.text();
    }
    i->acceptors.push_back(std::make_unique<impl::per_core>(*i, cores.at(n), std::move(*bound)));
  }
  return std::unique_ptr<listener>(new listener(std::move(i)));
}

void listener::start(accept_handler on_accept, std::string refusal) {
  impl_->on_accept = std::move(on_accept);
  impl_->refusal = std::move(refusal);
  for (auto& at : impl_->acceptors)
    at->home.post([i = impl_.get(), a = at.get()] { i->start(*a); });
}

void listener::impl::start(per_core& at) {
  if (at.stopped) return;
  if (!at.home.reactor().add(at, at.listening.native()))
    FAIRING_PANIC("no room in epoll for a listening socket");
  at.later = std::make_unique<per_core::retry>(at);
}

void listener::impl::accept(per_core& at) {
  for (int n = 0; n < accepts_a_turn && !at.stopped; ++n) {
    const int fd = ::accept4(at.listening.native(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      hand_over(at, socket(fd));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno == EMFILE || errno == ENFILE) {
      if (!refuse(at)) return accept_later(at);
    } else if (errno == ENOMEM || errno == ENOBUFS) {
      return accept_later(at);
    }
  }
  if (!at.stopped) at.home.reactor().again(at);
}

// The connection stays in the kernel's queue, and accepting it fails at once: trying without pause would take the core.
void listener::impl::accept_later(per_core& at) {
  at.later->set_deadline(now().mono + retry_after);
}

void listener::impl::hand_over(per_core& at, socket s) {
  if (unix_path.empty()) {
    const int one = 1;
    ::setsockopt(s.native(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    on_accept(at.home, std::move(s));
    return;
  }
  auto& home = cores->at(turn++ % cores->size());
  if (&home == &at.home) {
    on_accept(home, std::move(s));
    return;
  }
  home.post([this, &home, moved = std::move(s)]() mutable { on_accept(home, std::move(moved)); });
}

// Did it come to an answer?
bool listener::impl::refuse(per_core& at) {
  if (at.spare >= 0) ::close(at.spare);
  at.spare = -1;
  const int fd = ::accept4(at.listening.native(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  const bool nobody = fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED);
  if (fd >= 0) {
    send_refusal(fd, refusal);
    ::close(fd);
  }
  at.spare = open_spare();
  return fd >= 0 || nobody;
}

void listener::stop() {
  std::latch done(static_cast<std::ptrdiff_t>(impl_->acceptors.size()));
  for (auto& at : impl_->acceptors) {
    at->home.post([a = at.get(), &done] {
      a->stopped = true;
      a->home.reactor().remove(*a, a->listening.native());
      a->listening.close();
      a->later.reset();
      if (a->spare >= 0) ::close(a->spare);
      a->spare = -1;
      done.count_down();
    });
  }
  done.wait();
}

}  // namespace fairing::net
