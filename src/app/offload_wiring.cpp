#include "app/offload_wiring.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/timestamp.hpp"
#include "crypto/crypto.hpp"
#include "http/logic/kept_message.hpp"

namespace fairing::app {

namespace {

using http::offload_fault;
using http::offload_reply;
using http::offload_state;

constexpr std::string_view once_field = "fairing-once";
constexpr std::string_view principal_field = "principal";
constexpr std::size_t head_room = 64 * 1024;  // of a queue's payload, for the request's head

// ---- names

std::string owner_of(std::string_view principal, std::uint64_t secret) {
  return fmt::format("{}:{:016x}", principal, secret);
}

// 0: libcrypto has no random bytes.
std::uint64_t make_secret() {
  const auto bytes = crypto::random_bytes(sizeof(std::uint64_t));
  std::uint64_t out = 0;
  if (bytes) std::copy_n(bytes->data(), sizeof out, reinterpret_cast<char*>(&out));
  return out;
}

std::uint64_t secret_in(std::string_view owner) {
  const auto colon = owner.rfind(':');
  if (colon == std::string_view::npos) return 0;
  return std::strtoull(std::string(owner.substr(colon + 1)).c_str(), nullptr, 16);
}

std::string_view field_of(const jobs::job& j, std::string_view name) {
  for (const auto& [n, value] : j.fields)
    if (n == name) return value;
  return {};
}

// ---- what the store says, in the http plane's words

offload_reply fault_of(const error& e) {
  offload_reply r;
  r.detail = e.message();
  r.fault = offload_fault::unavailable;
  if (e.code == jobs::errc::not_found) r.fault = offload_fault::not_found;
  if (e.code == jobs::errc::conflict) r.fault = offload_fault::key_reused;
  if (e.code == jobs::errc::too_large) r.fault = offload_fault::too_large;
  if (e.code == jobs::errc::full) r.fault = offload_fault::full;
  if (e.code == jobs::errc::unknown_outcome) r.fault = offload_fault::unknown;
  return r;
}

// A look has no outcome that could be lost.
offload_reply unread(const error& e) {
  auto r = fault_of(e);
  if (r.fault == offload_fault::unknown) r.fault = offload_fault::unavailable;
  return r;
}

offload_reply no_such() {
  offload_reply r;
  r.fault = offload_fault::not_found;
  r.detail = "no request was put off under this address by whoever asks, or its time is over";
  return r;
}

offload_state state_of(jobs::job_state s) {
  switch (s) {
    case jobs::job_state::queued:
    case jobs::job_state::scheduled:
      return offload_state::waiting;
    case jobs::job_state::leased:
      return offload_state::running;
    case jobs::job_state::done:
      return offload_state::done;
    case jobs::job_state::dead:
      return offload_state::failed;
    case jobs::job_state::cancelled:
      return offload_state::cancelled;
  }
  return offload_state::waiting;
}

offload_reply told(jobs::job& j) {
  offload_reply r;
  r.state = state_of(j.state);
  r.token = jobs::token_text({j.id, secret_in(j.owner)});
  r.attempt = j.attempt;
  r.created_ms = j.created_ms;
  for (const auto& a : j.history)
    if (!a.error.empty()) r.error = a.error;
  r.answer = std::move(j.result);
  return r;
}

// The token is right, whoever asks by it: the two owners end in the same secret.
bool same_secret(std::string_view a, std::string_view b) {
  const auto end_of = [](std::string_view owner) {
    return owner.substr(std::min(owner.size(), owner.rfind(':')));
  };
  return crypto::constant_time_equal(end_of(a), end_of(b));
}

// The job if it belongs to whoever asks.
offload_reply told_to(result<jobs::reply>& said, const std::string& owner) {
  if (!said) return said.error().code == jobs::errc::not_found ? no_such() : unread(said.error());
  auto* j = std::get_if<jobs::job>(&*said);
  if (j == nullptr || !jobs::is_kept_request(*j)) return no_such();
  if (crypto::constant_time_equal(j->owner, owner)) return told(*j);
  auto r = no_such();
  if (same_secret(j->owner, owner)) r.principal_by = field_of(*j, principal_field);
  return r;
}

jobs::new_job job_of(http::offload_order o, std::uint64_t secret) {
  jobs::new_job j;
  j.payload = std::move(o.message);
  j.content_type = http::kept_type;
  j.owner = owner_of(o.principal, secret);
  if (o.traceparent.size() >= 35) j.trace = o.traceparent.substr(3, 32);
  j.idempotency_key = std::move(o.idempotency_key);
  j.idempotency_scope = fmt::format("http:{}:{}", o.site, o.principal);
  j.fingerprint = std::move(o.fingerprint);
  j.fields = {{"site", std::move(o.site)},
              {"peer", std::move(o.peer_ip)},
              {"client", std::move(o.client_ip)},
              {"scheme", std::move(o.scheme)},
              {"trusted", o.trusted_peer ? "1" : "0"},
              {std::string(principal_field), std::move(o.principal_by)},
              {std::string(once_field), o.once ? "1" : "0"},
              {"traceparent", std::move(o.traceparent)}};
  return j;
}

// ---- running

class request_carrier final : public jobs::carrier {
 public:
  request_carrier(http::http_plane& plane, net::core& c, const jobs::queue_config& q)
      : plane_(plane), core_(c), attempts_(q.attempts.size()), most_answer_(q.payload) {}

  net::task<jobs::delivery> carry(const jobs::leased_job& j, jobs::attempt_time t) override {
    const bool once = field_of(j.work, once_field) == "1";
    // Redriven as well: nobody who does that can know it either.
    const auto unclear = [](const jobs::attempt_record& a) { return a.lease_expired || a.unsure; };
    if (once && std::ranges::any_of(j.work.history, unclear)) {
      auto d = failed(
          "a run of it was cut off: nobody knows whether it took effect, and it is "
          "not run twice without an Idempotency-Key or the route's `retry`",
          jobs::push_end::dead);
      d.unsure = true;
      co_return d;
    }
    http::kept_run r;
    r.message = j.work.payload;
    r.site = field_of(j.work, "site");
    r.peer_ip = field_of(j.work, "peer");
    r.client_ip = field_of(j.work, "client");
    r.scheme = field_of(j.work, "scheme");
    r.trusted_peer = field_of(j.work, "trusted") == "1";
    r.traceparent = field_of(j.work, "traceparent");
    r.deadline = t.deadline;
    r.most_answer = most_answer_;
    auto end = co_await http::run_kept(plane_.state_of(core_), std::move(r));
    co_return judged(std::move(end), once, j.work.attempt);
  }
  void stop() override {}  // what runs ends by its deadline, or with the core

 private:
  static jobs::delivery failed(std::string why, jobs::push_end what) {
    jobs::delivery d;
    d.how.what = what;
    d.how.error = std::move(why);
    return d;
  }

  // An answer is the job's end whatever its status; but one that says "not now" is asked for again where it may be.
  [[nodiscard]] jobs::delivery judged(http::kept_end end, bool once, std::uint32_t attempt) const {
    const jobs::push_answer as{.status = end.status, .retry_after = end.retry_after};
    auto how = jobs::judge(as, unix_ms());
    const bool not_now = end.status == 429 || (end.status >= 502 && end.status <= 504);
    if (!end.answered) {
      auto d = failed(std::move(end.detail),
                      once && end.reached ? jobs::push_end::dead : jobs::push_end::retry);
      d.unsure = end.reached;
      d.how.strain = end.reached     ? jobs::push_strain::neutral
                     : end.timed_out ? jobs::push_strain::strained
                                     : jobs::push_strain::absent;
      return d;
    }
    jobs::delivery d;
    d.how.strain = how.strain;
    if (not_now && !once && attempt < attempts_) {
      d.how.what = jobs::push_end::retry;
      d.how.not_before = how.not_before;
      d.how.error = fmt::format("the backend answered {}", end.status);
      return d;
    }
    d.how.what = jobs::push_end::done;
    d.result = std::move(end.answer);
    d.result_type = http::kept_type;
    return d;
  }

  http::http_plane& plane_;
  net::core& core_;
  std::size_t attempts_;
  std::size_t most_answer_;
};

}  // namespace

jobs::jobs_config with_request_queues(const config::config& c) {
  auto out = c.jobs.value_or(jobs::jobs_config{});
  for (const auto& site : c.http)
    for (const auto& route : site.routes) {
      if (!route.async || route.async->mode == http::async_mode::never) continue;
      auto at = std::ranges::find(out.queues, route.async->queue, &jobs::queue_config::name);
      if (at == out.queues.end())
        at = out.queues.insert(at, jobs::queue_config{.name = route.async->queue});
      at->requests = true;
    }
  return out;
}

jobs::carrier_maker requests_of(http::http_plane& plane) {
  return [&plane](net::core& c, const jobs::queue_config& q) -> std::unique_ptr<jobs::carrier> {
    return std::make_unique<request_carrier>(plane, c, q);
  };
}

std::size_t request_store::most_bytes(const std::string& queue) const {
  const auto known = plane_.queues();
  const auto* q = known->find(queue);
  const auto most = q != nullptr ? q->config.payload : jobs::queue_config{}.payload;
  return static_cast<std::size_t>(most > 2 * head_room ? most - head_room : most / 2);
}

bool request_store::read(net::core& c, jobs::job_id id, milliseconds wait,
                         jobs::writer::completion d) {
  auto& work = plane_.work();
  if (wait.count() > 0) {
    const jobs::watch_request what{.id = id, .until_steady_ms = work.steady_now() + wait.count()};
    return work.watch(&c, what, std::move(d));
  }
  std::vector<jobs::command> one;
  one.emplace_back(jobs::read_job{id});
  return work.submit(&c, std::move(one), std::move(d));
}

bool request_store::put(net::core& c, http::offload_order o, done d) {
  const auto secret = make_secret();
  if (secret == 0) return false;
  jobs::enqueue what;
  what.queue = o.queue;
  what.jobs.push_back(job_of(std::move(o), secret));
  std::vector<jobs::command> one;
  one.emplace_back(std::move(what));
  return plane_.work().submit(
      &c, std::move(one),
      [this, &c, secret, d = std::move(d)](std::vector<result<jobs::reply>> said) mutable {
        if (!said.front()) return d(fault_of(said.front().error()));
        const auto& made = std::get<jobs::enqueued>(*said.front()).jobs.front();
        if (!made.existed) {
          offload_reply r;
          r.token = jobs::token_text({made.id, secret});
          return d(std::move(r));
        }
        // The key's scope has the principal in it: the job is this client's own.
        auto later = std::make_shared<done>(std::move(d));
        const bool taken =
            read(c, made.id, milliseconds{0}, [later](std::vector<result<jobs::reply>> job) {
              if (!job.front()) {
                auto gone = fault_of(job.front().error());
                if (gone.fault == offload_fault::not_found) gone.fault = offload_fault::answer_gone;
                return (*later)(std::move(gone));
              }
              auto r = told(std::get<jobs::job>(*job.front()));
              r.existed = true;
              (*later)(std::move(r));
            });
        if (!taken) (*later)(fault_of({make_error_code(jobs::errc::overloaded), {}}));
      });
}

// Whoever is not the one that asked is told so at once: only its own client waits for a job.
bool request_store::look(net::core& c, std::string_view token, std::string principal,
                         milliseconds wait, done d) {
  const auto t = jobs::token_from(token);
  if (!t) {
    d(no_such());
    return true;
  }
  return read(c, t->job, milliseconds{0},
              [this, &c, wait, id = t->job, owner = owner_of(principal, t->secret),
               d = std::move(d)](std::vector<result<jobs::reply>> said) mutable {
                auto r = told_to(said.front(), owner);
                const bool goes_on =
                    r.fault == offload_fault::none &&
                    (r.state == offload_state::waiting || r.state == offload_state::running);
                if (!goes_on || wait.count() <= 0) return d(std::move(r));
                auto later = std::make_shared<done>(std::move(d));
                const bool taken =
                    read(c, id, wait, [later, owner](std::vector<result<jobs::reply>> then) {
                      (*later)(told_to(then.front(), owner));
                    });
                if (!taken) (*later)(std::move(r));
              });
}

// First who it belongs to, then its end: the two commands cannot be one, the second must not run for a stranger.
bool request_store::cancel(net::core& c, std::string_view token, std::string principal, done d) {
  const auto t = jobs::token_from(token);
  if (!t) {
    d(no_such());
    return true;
  }
  return read(c, t->job, milliseconds{0},
              [this, &c, id = t->job, owner = owner_of(principal, t->secret),
               d = std::move(d)](std::vector<result<jobs::reply>> said) mutable {
                auto r = told_to(said.front(), owner);
                if (r.fault != offload_fault::none) return d(std::move(r));
                r.was_running = r.state == offload_state::running;
                std::vector<jobs::command> one;
                one.emplace_back(jobs::cancel_job{id});
                auto later = std::make_shared<done>(std::move(d));
                const bool taken = plane_.work().submit(
                    &c, std::move(one), [later, r](std::vector<result<jobs::reply>> ended) mutable {
                      r.state = offload_state::cancelled;
                      if (!ended.front()) {
                        r = fault_of(ended.front().error());
                        if (r.fault == offload_fault::key_reused) r.fault = offload_fault::finished;
                      }
                      (*later)(std::move(r));
                    });
                if (!taken) (*later)(fault_of({make_error_code(jobs::errc::overloaded), {}}));
              });
}

}  // namespace fairing::app
