#include "client.hpp"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "canceller.hpp"
#include "codec/pgwire/client_writer.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;

namespace {
constexpr std::size_t longest_message = 64 << 20;
constexpr int reads_a_turn = 8;
std::array<char, 65536> scratch;  // the loop has one thread

bool is_of_the_server(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("53") || sqlstate.starts_with("57P");
}

std::string shown(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 400)) out += c >= ' ' && c < 127 ? c : '.';
  return out;
}

// Where the messages of a step end; 0 first.
std::vector<std::size_t> boundaries(std::string_view bytes) {
  std::vector<std::size_t> out{0};
  for (std::size_t at = 0; at + 5 <= bytes.size();) {
    at += 1 + pgwire::load_u32(bytes.data() + at + 1);
    out.push_back(at);
  }
  return out;
}
}  // namespace

client::client(run_state& run, std::uint32_t number)
    : run_(run),
      number_(number),
      writer_(number, run.seed, run.scripts),
      connection_(run.first_connection) {
  run_.events.enlist(*this);
}

client::~client() {
  if (fd_ >= 0) close(false);
  run_.events.drop(*this);
}

// --- the connection

void client::connect() {
  ++connection_;
  in_.clear();
  out_.clear();
  sent_ = 0;
  doomed_ = die_at_first_byte_ = stalled_ = may_be_late_ = false;
  die_at_ = resume_at_ = cancel_at_ = 0;
  fd_ = start_connect(run_.target);
  asked_at_ = now_us();
  if (fd_ < 0) return login_failed("connect");
  phase_ = phase::connecting;
  run_.events.add(fd_, *this, EPOLLIN | EPOLLOUT);
}

void client::close(bool by_reset) {
  run_.events.remove(fd_);
  if (by_reset)
    reset(fd_);
  else
    ::close(fd_);
  fd_ = -1;
  cancel_.reset();
}

void client::retry(std::int64_t after_us) {
  if (fd_ >= 0) close(false);
  phase_ = phase::offline;
  retry_at_ = now_us() + after_us;
}

void client::wanted_events() {
  if (fd_ < 0) return;
  const std::uint32_t in = stalled_ ? 0U : std::uint32_t{EPOLLIN};
  const std::uint32_t out = sent_ < out_.size() ? std::uint32_t{EPOLLOUT} : 0U;
  run_.events.change(fd_, *this, in | out);
}

void client::write() {
  while (sent_ < out_.size()) {
    const auto n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) break;
      sent_ = out_.size();  // what the server said before it closed is still to be read
      break;
    }
    sent_ += static_cast<std::size_t>(n);
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  wanted_events();
}

void client::on_events(std::uint32_t events) {
  if (phase_ == phase::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return login_failed("connect");
    phase_ = phase::logging_in;
    login_.emplace(run_.login);
    out_ = login_->hello(writer_.first_name());
    return write();
  }
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && stalled_) {
    stalled_ = false;
    wanted_events();
  }
  if ((events & EPOLLOUT) != 0) write();
  if (fd_ >= 0 && !stalled_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
}

void client::read() {
  for (int i = 0; i < reads_a_turn; ++i) {
    const auto n = ::recv(fd_, scratch.data(), scratch.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return ended();
    in_.append(scratch.data(), static_cast<std::size_t>(n));
    const auto before = connection_;
    take_messages();
    if (fd_ < 0 || connection_ != before || stalled_) return;
    if (doomed_ && die_at_first_byte_ && out_.empty()) {
      ++run_.out.closed_by_us;
      close(writer_.chance(0.5));
      return retry(0);
    }
    if (static_cast<std::size_t>(n) < scratch.size()) return;
  }
}

void client::take_messages() {
  std::size_t at = 0;
  while (fd_ >= 0 && in_.size() - at >= pgwire::header_bytes) {
    const auto length = pgwire::load_u32(in_.data() + at + 1);
    if (length < 4 || length > longest_message)
      return fault(
          fmt::format("what came is no message: {}", shown({in_.data() + at, in_.size() - at})),
          false);
    if (in_.size() - at < 1 + length) break;
    const auto before = connection_;
    take(in_[at], std::string_view(in_).substr(at + pgwire::header_bytes, length - 4));
    if (fd_ < 0 || connection_ != before) return;
    at += 1 + length;
  }
  in_.erase(0, at);
}

incident client::incident_now(std::string sqlstate, std::string text) const {
  return {now_us(), number_, std::move(sqlstate), std::move(text)};
}

void client::ended() {
  if (phase_ == phase::logging_in) return login_failed("closed");
  if (phase_ == phase::garbage || doomed_) {
    if (doomed_) ++run_.out.closed_by_us;
    return retry(0);
  }
  if (phase_ == phase::farewell)
    run_.out.lost.push_back(incident_now(check_.sqlstate(), check_.message()));
  else
    run_.out.lost.push_back(incident_now(
        "", fmt::format("ended while waiting for {} in {}", check_.next(), script_.kind)));
  retry(0);
}

void client::fault(const std::string& what, bool about_a_row) {
  const auto* bytes = step_ < script_.steps.size() ? &script_.steps[step_].bytes : nullptr;
  run_.out.fault(fmt::format("client {} connection {} script {} step {}: {}\n  sent: {}", number_,
                             connection_, script_.kind, step_, what, bytes ? shown(*bytes) : "-"),
                 about_a_row);
  retry(0);
}

// --- logging in

void client::login_failed(const std::string& why) {
  ++run_.out.login_failures[why];
  if (is_of_the_server(why) || why == "closed" || why == "connect")
    run_.out.refused.push_back(incident_now(why, "log-in"));
  else
    run_.out.fault(fmt::format("client {}: log-in failed: {}", number_, why), false);
  retry(20'000 + writer_.below(80'000));
}

void client::take_login(char type, std::string_view body) {
  switch (login_->take(type, body)) {
    case login::state::more:
      if (login_->reply().empty()) return;
      out_ += login_->reply();
      return write();
    case login::state::in:
      ++run_.out.connections;
      writer_.connected(connection_);
      check_.names = writer_.names();
      check_.begin({}, false);
      return next_script();
    case login::state::failed:
      return login_failed(login_->error());
  }
}

// --- scripts

void client::take(char type, std::string_view body) {
  if (phase_ == phase::logging_in) return take_login(type, body);
  if (phase_ == phase::farewell) return;
  if (phase_ == phase::garbage) {
    if (type == 'D' || type == 'C') fault("an answer to garbage", false);
    return;
  }
  switch (check_.take(type, body)) {
    case verdict::more:
      return;
    case verdict::done:
      return step_done();
    case verdict::fatal:
      ++run_.out.errors[check_.sqlstate()];
      phase_ = phase::farewell;
      return;
    case verdict::fault:
      return fault(check_.complaint(), check_.wrong_row());
  }
}

void client::next_script() {
  if (run_.issued >= run_.statements) return leave_politely();
  if (writer_.chance(run_.rates.garbage)) return send_garbage();
  script_ = writer_.next();
  check_.names = writer_.names();
  run_.issued += script_.statements;
  step_ = 0;
  phase_ = phase::running;
  send_step();
}

void client::send_step() {
  const auto& s = script_.steps[step_];
  asked_at_ = now_us();
  rows_before_ = check_.rows();
  check_.begin(s.answers, s.request == cancel::own || may_be_late_);
  cancel_at_ = s.request == cancel::none
                   ? 0
                   : asked_at_ + 1000 * static_cast<std::int64_t>(s.cancel_after_ms);
  if (writer_.chance(run_.rates.close)) return cut_short(s);
  if (writer_.chance(run_.rates.stall * (s.large ? 10 : 1))) {
    stalled_ = true;
    ++run_.out.stalls;
    resume_at_ = asked_at_ + 1000 * (20 + writer_.below(300));
  }
  out_ += s.bytes;
  write();
}

void client::cut_short(const step& s) {
  const auto ends = boundaries(s.bytes);
  const auto within = writer_.chance(0.5)
                          ? writer_.below(static_cast<std::uint32_t>(s.bytes.size()))
                          : ends[writer_.below(static_cast<std::uint32_t>(ends.size()))];
  doomed_ = true;
  switch (writer_.below(3)) {
    case 0:
      die_at_ = asked_at_;
      break;
    case 1:
      die_at_first_byte_ = true;
      die_at_ = asked_at_ + 500'000;  // nothing may ever come for half a message
      break;
    default:
      die_at_ = asked_at_ + 1000 * writer_.below(30);
  }
  out_ += s.bytes.substr(0, within);
  write();
}

void client::send_garbage() {
  static constexpr std::string_view unknown("\x01\0\0\0\x08garb", 9);
  static constexpr std::string_view too_short("Q\0\0\0\x02", 5);
  static constexpr std::string_view overflow("P\xff\xff\xff\xff", 5);
  static constexpr std::string_view huge("Q\x7f\xff\xff\xff", 5);
  static constexpr std::array all{unknown, too_short, overflow, huge};
  ++run_.out.garbage_sent;
  phase_ = phase::garbage;
  asked_at_ = now_us();
  script_ = {.kind = "garbage"};
  out_ += all[writer_.below(all.size())];
  write();
}

void client::step_done() {
  const auto& s = script_.steps[step_];
  run_.out.rows += check_.rows() - rows_before_;
  const bool late = check_.cancelled() && s.request != cancel::own;
  if (!check_.sqlstate().empty() && (check_.cancelled() || check_.broke()))
    ++run_.out.errors[check_.sqlstate()];
  for (const auto& a : s.answers)
    if (a.what == answer::error) ++run_.out.errors[a.text];
  if (check_.cancelled() && !late) ++run_.out.cancels_that_hit;
  if (check_.broke()) {
    run_.out.refused.push_back(incident_now(check_.sqlstate(), check_.message()));
    return leave_politely();
  }
  if (doomed_) return;  // on_tick closes
  if (late) {
    ++run_.out.late_cancels;
    return leave_politely();
  }
  if (++step_ < script_.steps.size()) return send_step();
  cancel_at_ = 0;
  if (cancel_ && !cancel_->over()) {
    phase_ = phase::cancel_tail;
    check_.begin({}, false);
    return;
  }
  script_done();
}

void client::script_done() {
  may_be_late_ = cancel_ != nullptr && script_.steps.back().request == cancel::own;
  cancel_.reset();
  ++run_.out.scripts;
  ++run_.out.kinds[script_.kind];
  run_.out.statements += script_.statements;
  check_.begin({}, false);
  next_script();
}

void client::leave_politely() {
  std::string bye;
  pgwire::append_terminate(bye);
  static_cast<void>(::send(fd_, bye.data(), bye.size(), MSG_NOSIGNAL));
  const bool all = run_.issued >= run_.statements;
  retry(0);
  if (all) phase_ = phase::finished;
}

// --- time

void client::on_tick(std::int64_t now) {
  if (phase_ == phase::finished) return;
  if (phase_ == phase::offline) {
    if (now < retry_at_) return;
    if (run_.issued >= run_.statements)
      phase_ = phase::finished;
    else
      connect();
    return;
  }
  if (doomed_ && now >= die_at_ && (out_.empty() || now >= die_at_ + 1'000'000)) {
    ++run_.out.closed_by_us;
    close(writer_.chance(0.5));
    return retry(0);
  }
  if (stalled_ && now >= resume_at_) {
    stalled_ = false;
    asked_at_ = now;
    wanted_events();
  }
  if (cancel_at_ != 0 && now >= cancel_at_ && phase_ == phase::running) {
    auto key = login_->key();
    const bool own = script_.steps[step_].request == cancel::own;
    if (!own) key.secret ^= 0x5a5a5a5a;
    ++(own ? run_.out.cancels_sent : run_.out.cancels_wrong);
    cancel_at_ = 0;
    cancel_ = std::make_unique<canceller>(run_.events, run_.target, key);
  }
  if (phase_ == phase::cancel_tail && cancel_->over()) return script_done();
  if (now - asked_at_ > run_.hang_us)
    fault(
        fmt::format("no answer for {} s; awaited was {}", run_.hang_us / 1'000'000, check_.next()),
        false);
}

}  // namespace fairing::torture
