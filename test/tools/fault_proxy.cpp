#include "fault_proxy.hpp"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "codec/pgwire/startup.hpp"
#include "fault_log.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;

namespace {
constexpr std::size_t most_unsent = 256 * 1024;
constexpr std::size_t longest_startup = 16 * 1024;
std::array<char, 65536> scratch;  // the loop has one thread
}  // namespace

link::link(fault_proxy& owner, int accepted, int dialled)
    : owner_(owner), client_(*this, accepted, true), server_(*this, dialled, false) {
  server_.scanner = pgwire::frame_scanner(pgwire::direction::from_server);
  server_.typed = true;
  owner_.loop_.add(client_.fd, client_, EPOLLIN);
  owner_.loop_.add(server_.fd, server_, EPOLLIN);
}

link::~link() {
  for (auto* s : {&client_, &server_}) {
    if (s->fd >= 0) {
      owner_.loop_.remove(s->fd);
      ::close(s->fd);
    }
    owner_.loop_.drop(*s);
  }
}

void link::note(const char* what) {
  fmt::print(owner_.log_, "{} {} {} {}\n", now_us(), what,
             asked_ > ready_ || in_transaction_ ? 1 : 0, tag_);
  std::fflush(owner_.log_);
}

void link::kill(const char* what) {
  note(what);
  over_ = true;
  for (auto* s : {&client_, &server_}) {
    owner_.loop_.remove(s->fd);
    if (owner_.dice() < 0.5)
      reset(s->fd);
    else
      ::close(s->fd);
    s->fd = -1;
  }
}

void link::hold(side& s, std::string_view rest, std::int64_t us) {
  s.until = now_us() + us;
  if (!rest.empty()) s.held.append(rest);
}

void link::wanted(side& s) {
  if (over_ || s.deaf) return;
  const bool in = !s.ended && s.until == 0 && other(s).out.size() < most_unsent;
  std::uint32_t events = in ? std::uint32_t{EPOLLIN} : 0U;
  if (!s.out.empty()) events |= std::uint32_t{EPOLLOUT};
  owner_.loop_.change(s.fd, s, events);
}

void link::send(side& s) {
  while (!s.out.empty()) {
    const auto n = ::send(s.fd, s.out.data(), s.out.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN && errno != ENOTCONN) s.out.clear();  // gone: its own end will be read
      break;
    }
    s.out.erase(0, static_cast<std::size_t>(n));
  }
  auto& from = other(s);
  if (from.ended && from.held.empty() && s.out.empty() && !s.shut) {
    ::shutdown(s.fd, SHUT_WR);
    s.shut = true;
  }
  if (client_.ended && server_.ended && client_.out.empty() && server_.out.empty()) over_ = true;
  wanted(s);
  wanted(from);
}

void link::on_events(side& s, std::uint32_t events) {
  if (over_) return;
  if ((events & EPOLLOUT) != 0) send(s);
  if (over_ || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  if (s.until == 0 && !s.ended) return read(s);
  if ((events & (EPOLLHUP | EPOLLERR)) == 0) return;
  s.deaf = true;  // nobody is there any more; epoll would say so for ever
  owner_.loop_.remove(s.fd);
  if (s.ended && other(s).out.empty()) over_ = true;
}

void link::read(side& s) {
  const auto n = ::recv(s.fd, scratch.data(), scratch.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
  if (n <= 0) {
    s.ended = true;
    if (n < 0) other(s).out.clear();
    return send(other(s));
  }
  pass(s, {scratch.data(), static_cast<std::size_t>(n)});
}

// Start-up packets have no type; the answer to an SSLRequest is one byte.
void link::pass_startup(side& from, std::string_view bytes) {
  auto& to = other(from);
  from.held.append(bytes);
  while (!from.typed && !from.held.empty()) {
    pgwire::startup_packet packet;
    const auto got = pgwire::parse_startup(from.held, packet);
    if (got == pgwire::startup_status::need_more && from.held.size() < longest_startup) return;
    const auto size = got == pgwire::startup_status::complete ? packet.size : from.held.size();
    to.out.append(from.held, 0, size);
    harmless_ = packet.kind == pgwire::startup_kind::cancel_request;
    const bool asks = packet.kind == pgwire::startup_kind::ssl_request ||
                      packet.kind == pgwire::startup_kind::gssenc_request;
    if (asks) server_.plain = 1;
    from.typed = !asks;
    from.held.erase(0, size);
  }
}

// True: nothing after this place is to be passed on now.
bool link::break_here(side& from, std::string_view rest, const pgwire::frame& f) {
  auto& to = other(from);
  const auto& r = owner_.rates_;
  const auto dice = owner_.dice();
  if (dice < r.kill) {
    static_cast<void>(::send(to.fd, to.out.data(), to.out.size(), MSG_NOSIGNAL));
    kill(from.is_client ? "kill_before_request" : "kill_before_answer");
    return true;
  }
  if (dice < r.kill + r.within) {
    const auto part = static_cast<std::size_t>(owner_.dice() * static_cast<double>(f.bytes.size()));
    to.out.append(f.bytes.substr(0, part));
    static_cast<void>(::send(to.fd, to.out.data(), to.out.size(), MSG_NOSIGNAL));
    kill(from.is_client ? "kill_within_request" : "kill_within_answer");
    return true;
  }
  if (dice < r.kill + r.within + r.delay) {
    note("delay");
    hold(from, rest, 1000 + static_cast<std::int64_t>(owner_.dice() * 30'000));
    return true;
  }
  if (dice < r.kill + r.within + r.delay + r.freeze) {
    note("freeze");
    const auto us = 200'000 + static_cast<std::int64_t>(owner_.dice() * 600'000);
    hold(from, rest, us);
    if (to.until == 0) hold(to, {}, us);
    return true;
  }
  return false;
}

void link::pass(side& from, std::string_view bytes) {
  auto& to = other(from);
  if (from.is_client)
    if (const auto tag = last_tag(bytes); !tag.empty()) tag_ = tag;
  std::string behind;
  if (!from.typed) {
    pass_startup(from, bytes);
    if (from.typed) behind = std::exchange(from.held, {});
    bytes = behind;
  }
  if (from.plain > 0 && !bytes.empty()) {
    to.out += bytes[0];
    bytes.remove_prefix(1);
    --from.plain;
  }
  while (!bytes.empty()) {
    // A copy: where the message is held back, it is scanned again.
    const auto before = from.scanner;
    pgwire::frame f;
    if (!from.scanner.next(bytes, f)) {
      to.out.append(bytes);  // no message: whoever reads it has to cope
      break;
    }
    if (f.starts && !harmless_ && break_here(from, bytes, f)) {
      if (over_) return;
      from.scanner = before;
      break;
    }
    if (f.ends && from.is_client && (f.type == 'Q' || f.type == 'S' || f.type == 'F')) ++asked_;
    if (f.ends && !from.is_client && f.type == 'Z') {
      if (ready_ < asked_) ++ready_;  // none was asked for after the log-in
      in_transaction_ = f.bytes.back() != 'I';
    }
    to.out.append(f.bytes);
    bytes.remove_prefix(f.bytes.size());
  }
  send(to);
}

void link::tick(std::int64_t now) {
  for (auto* s : {&client_, &server_}) {
    if (over_ || s->until == 0 || now < s->until) continue;
    s->until = 0;
    const auto rest = std::exchange(s->held, {});
    if (!rest.empty()) pass(*s, rest);
    if (over_) return;
    if (s->deaf && s->until == 0) s->ended = true;
    send(other(*s));
  }
}

fault_proxy::fault_proxy(loop& l, const address& listen, address target, break_rates rates,
                         std::uint64_t seed, std::FILE* log)
    : loop_(l),
      target_(std::move(target)),
      rates_(rates),
      random_(seed),
      log_(log),
      fd_(listen_on(listen, port_)) {
  loop_.add(fd_, *this, EPOLLIN);
  loop_.enlist(*this);
}

fault_proxy::~fault_proxy() {
  links_.clear();
  loop_.drop(*this);
  ::close(fd_);
}

void fault_proxy::on_events(std::uint32_t) {
  for (;;) {
    const int accepted = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return;
    const int dialled = start_connect(target_);
    if (dialled < 0) {
      ::close(accepted);
      continue;
    }
    links_.push_back(std::make_unique<link>(*this, accepted, dialled));
  }
}

void fault_proxy::on_tick(std::int64_t now) {
  for (auto& l : links_) l->tick(now);
  std::erase_if(links_, [](const auto& l) { return l->over(); });
}

}  // namespace fairing::torture
