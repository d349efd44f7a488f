// client_fsm: the client's side of SCRAM-SHA-256, towards PostgreSQL.
//
// Problem: servers are opened by the dozen with one user. The slow step (PBKDF2) depends on salt and
// iterations, which only the server tells; it must run once, off the cores, and not again for every
// connection. And a server is believed only after it has proved that it knows the secret, too.
//
// Flow, after AuthenticationSASL:
//   client_fsm login({.channel_binding = binding_or_empty}, known_keys);    // nullptr: none yet
//   auto step = login.start(list_of_mechanisms);
//     send:    SASLInitialResponse with login.mechanism() and step.bytes
//   step = login.on_continue(body of AuthenticationSASLContinue);
//     send:    SASLResponse with step.bytes
//     derive:  on an offload thread: keys = derive_keys(password, login.salt(), login.iterations());
//              keep the keys beside the pool for all later connections; step = login.resume(keys)
//              (never with can_derive = false: that the server's secret is another one than ours is
//              then a failure, errc::secret_mismatch)
//   step = login.on_final(body of AuthenticationSASLFinal);
//     success: AuthenticationOk is to follow. An AuthenticationOk before this is a failure:
//              the server has not proved itself (login.proved() is false)
//     failure: step.error; close
// Known keys that do not fit what the server announces are left alone; `derive` asks for others.
// Lifecycle: one object a login; the known keys are copied and wiped. Any call out of turn fails.
// Threads: one at a time, any. Cost: 10 to 30 microseconds, without derive_keys.
// Source: RFC 5802 §5 to §7, RFC 7677, RFC 5929 §4, PostgreSQL 15 src/interfaces/libpq/fe-auth-scram.c.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/scram/keys.hpp"
#include "codec/scram/message.hpp"

namespace fairing::codec::scram {

struct client_step {
  enum class action : std::uint8_t {
    send,     // send `bytes`
    derive,   // keys for salt() and iterations() are needed: resume
    success,  // the server has proved itself
    failure,  // `error` says why
  };
  action what = action::failure;
  std::string_view bytes;  // valid until the next call
  errc error = errc::ok;
};

class client_fsm {
 public:
  struct options {
    // tls_server_end_point of the server's certificate (channel_binding.hpp); empty: not used.
    std::string channel_binding;
    bool require_channel_binding = false;             // libpq's channel_binding=require
    std::uint32_t iterations_limit = max_iterations;  // a server that wants more is refused
    // Whether resume can be called: false if only keys are known and no password. What would ask for
    // keys then fails with secret_mismatch.
    bool can_derive = true;
    // For tests: our nonce. Empty: random.
    std::string nonce;
  };
  explicit client_fsm(options o, const login_keys* known = nullptr)
      : options_(std::move(o)), keys_(known != nullptr ? *known : login_keys{}) {}

  // `list`: the body of AuthenticationSASL after its code, names that end in NUL, at most 2 KiB.
  [[nodiscard]] client_step start(std::string_view list);
  [[nodiscard]] client_step on_continue(std::string_view server_first);
  [[nodiscard]] client_step resume(const login_keys& keys);
  [[nodiscard]] client_step on_final(std::string_view server_final);

  // The one chosen by start.
  [[nodiscard]] std::string_view mechanism() const noexcept {
    return plus_ ? mechanism_plus : mechanism_plain;
  }
  // What the server announced; valid from on_continue on.
  [[nodiscard]] const std::string& salt() const noexcept { return salt_; }
  [[nodiscard]] std::uint32_t iterations() const noexcept { return iterations_; }
  // Whether the server's last signature was right.
  [[nodiscard]] bool proved() const noexcept { return state_ == state::succeeded; }

 private:
  enum class state : std::uint8_t {
    fresh,         // start is expected
    first_sent,    // server-first-message is expected
    keys_missing,  // resume is expected
    final_sent,    // server-final-message is expected
    succeeded,     // the server has proved itself
    failed,        // nothing is expected any more
  };
  [[nodiscard]] client_step fail_with(errc e) noexcept;
  [[nodiscard]] errc choose(std::string_view list);
  [[nodiscard]] client_step send_final();

  options options_;
  login_keys keys_;
  state state_ = state::fresh;
  bool plus_ = false;
  std::string gs2_header_;  // "n,,", "y,," or "p=tls-server-end-point,,"
  std::string nonce_;       // ours, then the server's, which begins with ours
  std::string bare_;        // client-first-message without its header
  std::string server_first_;
  std::string transcript_;
  std::string salt_;
  std::uint32_t iterations_ = 0;
  std::string out_;
};

}  // namespace fairing::codec::scram
