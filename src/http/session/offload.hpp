// offload: what the http plane wants of a job store, so that requests can be put off: kept first, run later.
//
// Problem: planes do not know each other; this plane needs five verbs of the jobs plane, and the jobs plane needs
// somebody who runs a kept request. The wiring of the process (app/offload_wiring) stands between.
//
// Flow:
//   store->put(core, order, done)             // durable when `done` is called
//   store->look(core, token, who, wait, done) // its state, at the latest after `wait`
//   store->cancel(core, token, who, done)
//   auto end = co_await run_kept(state, {...})   // called by the jobs plane's side
// `done` runs on that core, once. False: too many wait, it is not called.
// ready() is asked first: where the store is known to be down, the request is not read for nothing.
// A token names a kept request to its client: the job and 64 random bits. It and the principal must both be right.
// Threads: the store's verbs from any core.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/core.hpp"
#include "net/task.hpp"

namespace fairing::http {

class core_state;

// ---- keeping
struct offload_order {
  std::string queue;
  std::string message;       // http/logic/kept_message
  std::string principal;     // "": whoever has the token
  std::string principal_by;  // as async.principal is written
  std::string site;
  std::string peer_ip;
  std::string client_ip;
  std::string scheme;
  bool trusted_peer = false;
  std::string traceparent;
  bool once = true;  // never run twice, even where nobody knows whether it ran
  std::string idempotency_key;
  std::string fingerprint;
};

enum class offload_fault : std::uint8_t {
  none,
  not_found,    // no such token, or somebody else's
  key_reused,   // the Idempotency-Key stands for another request
  finished,     // cannot be cancelled any more
  answer_gone,  // of put: the Idempotency-Key's request has run, and its answer is not kept any more
  too_large,    // over what its queue takes
  full,         // no room in the store
  unavailable,  // the store is down, busy or another instance's: nothing was done
  unknown,      // the store was lost while it kept it: it may be kept, or not
};

enum class offload_state : std::uint8_t {
  waiting,    // for its turn, or for another attempt
  running,    // the backend has it
  done,       // `answer` is there
  failed,     // it got none, and gets none any more
  cancelled,  // by its client or an operator
};

struct offload_reply {
  offload_fault fault = offload_fault::none;
  std::string detail;
  std::string token;
  offload_state state = offload_state::waiting;
  bool existed = false;      // of put: the Idempotency-Key had one already: this
  bool was_running = false;  // of cancel
  std::uint32_t attempt = 0;
  std::int64_t created_ms = 0;  // wall
  std::string error;            // of the last attempt that failed
  // With not_found: the token is right, and its client is known by this (async.principal of the day it came). Not for
  // clients.
  std::string principal_by;
  std::string answer;  // http/logic/kept_message
};

class offload_store {
 public:
  using done = std::move_only_function<void(offload_reply)>;
  offload_store() = default;
  virtual ~offload_store() = default;
  offload_store(const offload_store&) = delete;
  offload_store& operator=(const offload_store&) = delete;

  // Why nothing can be put off now; known without asking the store.
  [[nodiscard]] virtual result<void> ready() const = 0;
  [[nodiscard]] virtual std::size_t most_bytes(const std::string& queue) const = 0;
  [[nodiscard]] virtual bool put(net::core& c, offload_order o, done d) = 0;
  [[nodiscard]] virtual bool look(net::core& c, std::string_view token, std::string principal,
                                  milliseconds wait, done d) = 0;
  [[nodiscard]] virtual bool cancel(net::core& c, std::string_view token, std::string principal,
                                    done d) = 0;
};

// ---- running
struct kept_run {
  std::string message;
  std::string site;
  std::string peer_ip;
  std::string client_ip;
  std::string scheme;
  bool trusted_peer = false;
  std::string traceparent;
  mono_time deadline;
  std::size_t most_answer = 0;  // bytes
};

struct kept_end {
  bool answered = false;  // else `detail` says why not
  bool reached = true;    // false: surely no backend has seen it
  bool timed_out = false;
  std::uint16_t status = 0;
  std::string retry_after;
  std::string answer;  // kept_answer
  std::string detail;
};

// On the state's core.
net::task<kept_end> run_kept(core_state& state, kept_run r);

}  // namespace fairing::http
