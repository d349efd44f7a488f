#include "net/stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

#include "net/direct.hpp"
#include "net/tls.hpp"

namespace fairing::net {

using std::error_code;

namespace {
constexpr size_t max_iovecs = 64;
constexpr size_t tls_record = 16 * 1024;
constexpr std::uint8_t reads_a_turn = 8;  // then others are served first
const error_code connection_reset{ECONNRESET, std::system_category()};

// Fills `iov` from parts[first...] up to the first file; skips `done` bytes of the first part.
size_t gather(std::span<const part> parts, size_t first, size_t done, iovec* iov) {
  size_t n = 0;
  for (size_t i = first; i < parts.size() && n < max_iovecs && !parts[i].file; ++i) {
    auto bytes = parts[i].memory;
    if (i == first) bytes.remove_prefix(done);
    iov[n++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return n;
}
}  // namespace

stream::stream(core& home, socket s) : home_(home), socket_(std::move(s)) {
  const int flags = ::fcntl(socket_.native(), F_GETFL);
  if (flags >= 0 && !(flags & O_NONBLOCK)) ::fcntl(socket_.native(), F_SETFL, flags | O_NONBLOCK);
  if (!home_.reactor().add(*this, socket_.native())) socket_.close();
}

stream::~stream() {
  if (socket_.is_open()) home_.reactor().remove(*this, socket_.native());
}

task<error_code> stream::established() {
  writable_ = false;
  const bool open = co_await writable();
  if (!open) co_return errc::closed;
  int fault = 0;
  socklen_t size = sizeof fault;
  if (::getsockopt(socket_.native(), SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
    co_return last_error();
  co_return error_code{fault, std::system_category()};
}

socket stream::detach() noexcept {
  if (socket_.is_open()) home_.reactor().remove(*this, socket_.native());
  return std::move(socket_);
}

void stream::on_ready(std::uint32_t events) {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ended_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  // Either resumption may destroy this object: what the second needs is taken before the first.
  const auto writer = writable_ ? std::exchange(writer_, {}) : std::coroutine_handle<>{};
  if (reader_ && try_read(room_)) {
    if (writer) resume_soon(writer);
    std::exchange(reader_, {}).resume();
  } else if (writer) {
    writer.resume();
  }
}

bool stream::try_read(std::span<char> out) noexcept {
  if (!socket_.is_open()) {
    read_ = {errc::closed, 0};
    return true;
  }
  if (!readable_) return false;
  for (;;) {
    const auto n = direct_recv(socket_.native(), out.data(), out.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return false;
    }
    if (n < 0)
      read_ = {last_error(), 0};
    else if (n == 0 && !out.empty())
      read_ = {errc::ended, 0};
    else
      read_ = {{}, static_cast<size_t>(n)};
    // A short read has emptied the socket; what comes from now on is a new event.
    if (n > 0 && static_cast<size_t>(n) < out.size() && !ended_) readable_ = false;
    return true;
  }
}

bool stream::has_share() noexcept {
  if (turn_ != home_.reactor().turn()) {
    turn_ = home_.reactor().turn();
    reads_ = 0;
  }
  return ++reads_ <= reads_a_turn;
}

void stream::await_read(std::span<char> out, std::coroutine_handle<> h) {
  room_ = out;
  reader_ = h;
  if (!socket_.is_open()) return resume_soon(std::exchange(reader_, {}));
  if (readable_) home_.reactor().again(*this);
}

void stream::resume_soon(std::coroutine_handle<> h) {
  home_.post([h] { h.resume(); });
}

void stream::set_tls(std::unique_ptr<tls_channel> channel) { tls_ = std::move(channel); }

task<io_result> stream::read_some(std::span<char> out) {
  if (tls_) {
    auto r = co_await read_tls(out);
    co_return r;
  }
  auto r = co_await read_plain(out);
  co_return r;
}

task<error_code> stream::write(std::string_view bytes) {
  const part one{.memory = bytes};
  auto ec = co_await write(std::span<const part>(&one, 1));
  co_return ec;
}

// One system call's worth. True: go on; false: the socket is full, or at.error is set.
bool stream::send_some(std::span<const part> parts, write_state& at) noexcept {
  const auto& p = parts[at.part];
  if (p.file) {
    auto offset = static_cast<off_t>(p.offset + at.done);
    const auto sent = ::sendfile(socket_.native(), p.file->fd(), &offset, p.length - at.done);
    if (sent == 0) at.error = errc::ended;
    if (sent > 0) at.done += static_cast<std::uint64_t>(sent), sent_ += static_cast<size_t>(sent);
    if (at.done == p.length) ++at.part, at.done = 0;
    if (sent > 0 || (sent < 0 && errno == EINTR)) return true;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) at.error = last_error();
    if (!at.error) writable_ = false;
    return false;
  }
  iovec iov[max_iovecs];
  const auto count = gather(parts, at.part, static_cast<size_t>(at.done), iov);
  msghdr message{};
  message.msg_iov = iov;
  message.msg_iovlen = count;
  const bool more = at.part + count < parts.size();
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  const auto sent = count == 1  // the plain call is the cheaper one
                        ? direct_send(socket_.native(), iov[0].iov_base, iov[0].iov_len, flags)
                        : ::sendmsg(socket_.native(), &message, flags);
  if (sent < 0) {
    if (errno == EINTR) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      at.error = last_error();
    else
      writable_ = false;
    return false;
  }
  sent_ += static_cast<size_t>(sent);
  auto left = static_cast<std::uint64_t>(sent);
  while (at.part < parts.size() && !parts[at.part].file &&
         left >= parts[at.part].memory.size() - at.done) {
    left -= parts[at.part].memory.size() - at.done;
    at.done = 0;
    ++at.part;
  }
  at.done += left;
  return true;
}

bool stream::send_now(std::span<const part> parts, write_state& at) noexcept {
  if (tls_) return false;
  while (at.part < parts.size())
    if (!send_some(parts, at)) return static_cast<bool>(at.error);
  return true;
}

task<error_code> stream::write(std::span<const part> parts, write_state at) {
  if (tls_) {
    auto ec = co_await write_tls(parts);
    co_return ec;
  }
  while (!send_now(parts, at)) {
    const bool open = co_await writable();
    if (!open) co_return errc::closed;
  }
  co_return at.error;
}

task<error_code> stream::flush_tls() {
  // The cipher text lives in this frame while it is sent: TLS records must leave in order, so one writer at a time.
  const auto bytes = tls_->take_output();
  size_t done = 0;
  while (done < bytes.size()) {
    const auto sent =
        ::send(socket_.native(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent >= 0) {
      done += static_cast<size_t>(sent);
      sent_ += static_cast<size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) co_return last_error();
    writable_ = false;
    const bool open = co_await writable();
    if (!open) co_return errc::closed;
  }
  co_return error_code{};
}

task<error_code> stream::handshake() {
  if (!tls_) co_return error_code{};
  char in[4096];
  for (;;) {
    const auto step = tls_->handshake();
    auto ec = co_await flush_tls();
    if (ec) co_return ec;
    if (step == tls_step::done) co_return error_code{};
    if (step != tls_step::want_read) co_return errc::tls_failed;
    auto r = co_await read_plain(in);
    if (!r.ok()) co_return r.error;
    tls_->feed({in, r.bytes});
  }
}

std::string stream::tls_error(const error_code& ec) const {
  return tls_ && !tls_->error().empty() ? tls_->error() : ec.message();
}

task<io_result> stream::read_tls(std::span<char> out) {
  for (;;) {
    io_result r;
    const auto step = tls_->read(out, r.bytes);
    if (step == tls_step::done) co_return r;
    if (step == tls_step::closed) co_return io_result{errc::ended, 0};
    if (step == tls_step::failed) co_return io_result{connection_reset, 0};
    std::string in(tls_record, '\0');
    auto got = co_await read_plain(in);
    // An end without close_notify may be a cut (RFC 9112 §9.8).
    if (got.error == errc::ended) got.error = connection_reset;
    if (!got.ok()) co_return got;
    if (!tls_) co_return io_result{errc::closed, 0};
    tls_->feed({in.data(), got.bytes});
  }
}

task<error_code> stream::write_tls(std::span<const part> parts) {
  std::string block;
  for (const auto& p : parts) {
    const auto total = p.file ? p.length : p.memory.size();
    for (std::uint64_t at = 0; at < total;) {
      const auto n = static_cast<size_t>(std::min<std::uint64_t>(total - at, 4 * tls_record));
      std::string_view piece;
      if (p.file) {
        block.resize(n);
        if (p.file->read(p.offset + at, block) != n) co_return errc::ended;
        piece = block;
      } else {
        piece = p.memory.substr(at, n);
      }
      if (tls_->write(piece) != tls_step::done) co_return connection_reset;
      at += n;
      if (p.file || n == 4 * tls_record) {
        auto ec = co_await flush_tls();
        if (ec) co_return ec;
      }
    }
  }
  auto ec = co_await flush_tls();
  co_return ec;
}

bool stream::quiet() noexcept {
  if (!socket_.is_open()) return false;
  if (tls_ && !tls_->idle()) return false;
  char byte;
  const auto n = ::recv(socket_.native(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool stream::peer_ended() noexcept {
  if (!socket_.is_open()) return true;
  pollfd state{.fd = socket_.native(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) > 0;
}

void stream::shutdown_send() noexcept {
  if (socket_.is_open()) ::shutdown(socket_.native(), SHUT_WR);
}

void stream::reset() noexcept {
  const linger abrupt{1, 0};
  if (socket_.is_open())
    ::setsockopt(socket_.native(), SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
  close();
}

void stream::close() noexcept {
  if (!socket_.is_open()) return;
  home_.reactor().remove(*this, socket_.native());
  socket_.close();
  if (auto h = std::exchange(reader_, {})) {
    read_ = {errc::closed, 0};
    resume_soon(h);
  }
  if (auto h = std::exchange(writer_, {})) resume_soon(h);
}

}  // namespace fairing::net
