#include "bench/sql/session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

namespace fairing::bench {
namespace {

constexpr int timeout_ms = 20'000;
constexpr std::uint32_t protocol_3 = 196608;

bool send_all(int fd, std::string_view bytes, std::string& why) {
  while (!bytes.empty()) {
    const auto n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    pollfd waited{fd, POLLOUT, 0};
    if (n < 0 && errno != EAGAIN) why = fmt::format("send: {}", std::strerror(errno));
    if (n < 0 && errno == EAGAIN && poll(&waited, 1, timeout_ms) != 1) why = "send: timed out";
    if (!why.empty()) return false;
  }
  return true;
}

// Reads until ReadyForQuery; what else comes goes to `on_message`, which may fail the session.
bool read_until_ready(int fd, std::string& why,
                      const std::function<bool(const wire_message&)>& on_message) {
  std::string in;
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    std::string_view bytes(in);
    wire_message m;
    auto result = taken::whole;
    while ((result = take_message(bytes, m)) == taken::whole) {
      if (m.type == 'Z') return true;
      if (m.type == 'E') {
        why = error_text(m.body);
        return false;
      }
      if (!on_message(m)) return false;
    }
    if (result == taken::malformed) {
      why = "the answer is no PostgreSQL message";
      return false;
    }
    in.erase(0, in.size() - bytes.size());
    pollfd waited{fd, POLLIN, 0};
    if (poll(&waited, 1, timeout_ms) != 1) {
      why = fmt::format("no answer within {} s", timeout_ms / 1000);
      return false;
    }
    const auto n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) {
      why = n == 0 ? "the server closed the connection" : std::strerror(errno);
      return false;
    }
    in.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

bool session_opener::open(int fd, const std::string& database, std::string& why) {
  std::string body;
  put_u32(body, protocol_3);
  for (const auto& text : {std::string("user"), account_.user, std::string("database"), database,
                           std::string("application_name"), std::string("fairing_lg_sql")}) {
    put_text(body, text);
  }
  body.push_back('\0');
  std::string startup;
  put_u32(startup, static_cast<std::uint32_t>(body.size() + 4));
  startup += body;
  codec::scram::client_fsm login({}, keys_ ? &*keys_ : nullptr);
  return send_all(fd, startup, why) && read_until_ready(fd, why, [&](const wire_message& m) {
           return m.type != 'R' || authenticate(fd, m.body, login, why);
         });
}

bool session_opener::ask(int fd, std::string_view request, std::string& why) {
  return send_all(fd, request, why) &&
         read_until_ready(fd, why, [](const wire_message&) { return true; });
}

bool session_opener::authenticate(int fd, std::string_view body, codec::scram::client_fsm& login,
                                  std::string& why) {
  enum code : std::uint32_t {
    ok = 0,
    cleartext = 3,
    sasl = 10,
    sasl_continue = 11,
    sasl_final = 12
  };
  if (body.size() < 4) {
    why = "a truncated authentication request";
    return false;
  }
  const auto asked = get_u32(body);
  body.remove_prefix(4);
  switch (asked) {
    case ok:
      return true;
    case cleartext: {
      std::string answer;
      put_text(answer, account_.password);
      std::string message;
      append_message(message, 'p', answer);
      return send_all(fd, message, why);
    }
    case sasl: {
      const auto first = login.start(body);
      if (first.what != codec::scram::client_step::action::send) return step(fd, login, first, why);
      std::string answer;
      put_text(answer, login.mechanism());
      put_u32(answer, static_cast<std::uint32_t>(first.bytes.size()));
      answer += first.bytes;
      std::string message;
      append_message(message, 'p', answer);
      return send_all(fd, message, why);
    }
    case sasl_continue:
      return step(fd, login, login.on_continue(body), why);
    case sasl_final:
      return step(fd, login, login.on_final(body), why);
    default:
      why = fmt::format("authentication {} is not known; use trust, password or scram-sha-256",
                        asked);
      return false;
  }
}

bool session_opener::step(int fd, codec::scram::client_fsm& login, codec::scram::client_step s,
                          std::string& why) {
  using action = codec::scram::client_step::action;
  if (s.what == action::derive) {
    auto keys = codec::scram::derive_keys(account_.password, login.salt(), login.iterations());
    if (!keys) {
      why = "the keys of the password cannot be derived";
      return false;
    }
    keys_ = *keys;
    s = login.resume(*keys_);
  }
  if (s.what == action::send) {
    std::string message;
    append_message(message, 'p', s.bytes);
    return send_all(fd, message, why);
  }
  if (s.what == action::failure) {
    why = fmt::format("login: {}", make_error_code(s.error).message());
  }
  return s.what == action::success;
}

}  // namespace fairing::bench
