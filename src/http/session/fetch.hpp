// fetch: one answer of the backend, for the client that asked first, for those that joined, and for the cache.
//
// Problem: a miss is fetched once whatever the number of clients (collapse), survives its first client, is never
// given to somebody it is not for, is stored only when whole and not purged meanwhile, and every step of it has a
// deadline. A request that no cache can answer takes the same path with one reader.
//
// Flow:   auto f = fetch::start(core_state, std::move(request));      // spawns on the calling core
//         f->join(waker) ... co_await until f->phase() != waiting     // any core
//         streamed: open_reader on f->body(), for the leader or if shareable and Vary matches
//         stored:   serve f->stored() like a hit (a 304 came, or stale-if-error)
//         failed:   f->failure()
// Lifecycle: shared by its coroutine, the flight table and the clients. Threads: what is public, any core.
#pragma once

#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "checklist/json_array.hpp"
#include "codec/http1/parser.hpp"
#include "http/logic/forward.hpp"
#include "http/logic/problem.hpp"
#include "http/logic/trace_context.hpp"
#include "http/session/answer.hpp"
#include "http/session/fill_buffer.hpp"
#include "http/session/site.hpp"
#include "http/session/upstream.hpp"
#include "net/event.hpp"
#include "net/task.hpp"

namespace fairing::http {

class core_state;

// Do body bytes follow the head? (`Content-Length: 0` is a body of none.)
[[nodiscard]] inline bool has_body(const http1::request_head& h) noexcept {
  return h.body == http1::body_kind::chunked ||
         (h.body == http1::body_kind::length && h.content_length > 0);
}

// Where the request's body comes from: the client's connection, on the same core as the fetch.
class body_source {
 public:
  virtual ~body_source() = default;
  struct step {
    std::string_view data;  // valid until the next call
    bool end = false;       // complete, trailers() known
    bool failed = false;  // the client vanished, was too slow or sent nonsense: abort the exchange
  };
  virtual net::task<step> next() = 0;
  [[nodiscard]] virtual std::string_view trailers() const = 0;
  // The backend said 100, or we do in its place: let the client send.
  virtual net::task<bool> send_continue() = 0;
  // The upload has ended, or will never begin: called once for each fetch that got this source. It may go away.
  virtual void upload_done(bool complete) = 0;
};

struct fetch_request {
  std::shared_ptr<const site_runtime> site;
  const route_runtime* route = nullptr;
  std::string head_bytes;  // owns what `head` views
  http1::request_head head;
  std::string peer_ip;    // of the connection
  std::string client_ip;  // whom trusted proxies name, else the peer
  std::string scheme;
  bool trusted_peer = false;
  trace_context trace;
  std::string key;  // primary cache key
  cache::purge_seq began = 0;
  bool may_store = false;    // judge_request said none and the route's cache is on
  bool collapsible = false;  // listed in the flight table under `flight_key`
  std::string flight_key;
  stored_ptr stale;       // to be confirmed, or served if the origin fails
  std::string stale_key;  // the store's key of it
  bool stale_softly_purged = false;
  bool background = false;  // nobody waits: early refresh, stale-while-revalidate
  bool patient = false;     // put off: all of its time may pass before the first byte
  mono_time deadline = mono_time::max();
  body_source* body = nullptr;  // leader's; null without a body
};

enum class fetch_phase : std::uint8_t {
  waiting,   // nothing known yet
  streamed,  // the head is known, the body comes through body()
  stored,    // the answer is stored(): confirmed by a 304, or stale because the origin failed
  failed,    // failure() says why
};

struct fetch_failure {
  problem type{};
  std::string detail;
  milliseconds retry_after{0};
};

class fetch : public std::enable_shared_from_this<fetch> {
 public:
  static std::shared_ptr<fetch> start(core_state& home, fetch_request request);
  ~fetch();

  // Wakes `w` when the phase changes or an interim answer for the leader is there.
  void join(net::waker w);
  [[nodiscard]] fetch_phase phase() const;

  // The leader has gone or has what it wanted: its body is not read any more; `unwanted`: nobody wants the answer.
  void leave(bool unwanted);

  // After `streamed`:
  [[nodiscard]] const std::shared_ptr<const answer>& head() const noexcept { return answer_; }
  [[nodiscard]] const http1::response_head& raw_head() const noexcept { return response_; }
  [[nodiscard]] bool shareable() const noexcept { return answer_ && answer_->store; }
  // Why an answer that was to be stored is not, or `none`; known once the body has ended.
  [[nodiscard]] cache_reason lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // Was it made for a request whose varying fields equal these?
  [[nodiscard]] bool matches(const http1::request_head& request) const;
  [[nodiscard]] fill_buffer& body() noexcept { return buffer_; }
  [[nodiscard]] const http1::request_head& request_head() const noexcept { return request_.head; }
  // After `streamed` and `stored`: was anything that it bears purged since it began?
  [[nodiscard]] bool purged_since() const;
  // After `stored`:
  [[nodiscard]] const stored_ptr& stored() const noexcept { return stored_; }
  [[nodiscard]] bool confirmed() const noexcept {
    return confirmed_;
  }  // by a 304; else stale-if-error
  // After `failed`: surely no backend has seen the request.
  [[nodiscard]] bool unsent() const noexcept { return !head_sent_; }
  [[nodiscard]] const fetch_failure& failure() const noexcept { return failure_; }
  [[nodiscard]] std::uint16_t origin_status() const noexcept { return origin_status_; }

  // What the body was, for the checklist; the leader asks once it has all of it.
  [[nodiscard]] std::uint64_t body_hash() const noexcept {
    return measuring_ ? body_hash_.digest() : 0;
  }
  [[nodiscard]] std::uint32_t longest_json_array() const noexcept {
    return measuring_json_ ? json_.longest() : 0;
  }

  // May this one still be joined: not answered unshareably, and no purge since it began concerns it?
  [[nodiscard]] bool joinable() const;
  // Heads of interim answers (103) that came so far, taken once by the leader.
  [[nodiscard]] std::string take_interim();
  // The connection of a 101, taken by the leader: the rest is a tunnel.
  [[nodiscard]] link_ptr take_tunnel();
  // Fetch and leader agree that a tunnel was asked for.
  [[nodiscard]] bool is_upgrade() const noexcept {
    return request_.head.upgrade && !request_.may_store;
  }

 private:
  fetch(core_state& home, fetch_request request);
  net::task<void> run();
  enum class attempt_result : std::uint8_t {
    done,        // answered (well or badly): no more attempts
    retry,       // nothing reached the client; another attempt may help
    retry_free,  // a kept-alive connection turned out dead: costs no budget
    elsewhere,   // it took no connection: another backend, if there is one, costs no budget
  };
  net::task<attempt_result> attempt(std::size_t& avoid);
  net::task<attempt_result> exchange(upstream_group::choice& choice, link_ptr link);
  net::task<bool> send_request(upstream_link& link, const upstream_endpoint& e);
  net::task<void> upload(link_ptr link);
  net::task<http1::parse_status> read_head(upstream_link& link);
  net::task<bool> read_body(upstream_link& link);
  net::task<bool> wait_for_readers(upstream_link& link);
  void stop_upload(upstream_link& link);
  void release_body();
  attempt_result on_no_answer(upstream_group::choice& choice, upstream_link& link,
                              http1::parse_status status);
  void keep_link(upstream_group::choice& choice, link_ptr link);
  net::task<bool> may_upload();

  void on_head();
  void invalidate();
  bool on_not_modified();
  bool refuses_304();
  [[nodiscard]] bool answers_client() const noexcept;
  bool serve_stale_on_error();
  void append(std::string_view bytes, bool flush);
  void give_up_storing(cache_reason reason);
  void finish_body();
  void cut_body();
  cache_reason store_answer();
  void remember_uncacheable();
  void fail_with(problem type, std::string detail, milliseconds retry_after = {});
  void set_phase(fetch_phase p);
  void leave_flights();
  void end();
  [[nodiscard]] bool idempotent() const noexcept;
  [[nodiscard]] mono_time head_deadline(mono_time from) const noexcept;
  [[nodiscard]] bool reusable_after_body() const noexcept;
  [[nodiscard]] upstream_endpoint* endpoint() const noexcept { return endpoint_; }

  core_state& home_;
  fetch_request request_;
  mutable std::mutex mutex_;
  fetch_phase phase_ = fetch_phase::waiting;  // mutex
  std::vector<net::waker> waiting_;           // mutex
  std::string interim_;                       // mutex
  std::string response_bytes_;                // owns what response_ views
  http1::response_head response_;
  http1::head_parser parser_;
  std::shared_ptr<const answer> answer_;
  stored_ptr stored_;
  fetch_failure failure_;
  fill_buffer buffer_;
  hash_stream body_hash_;             // of the identity body, for the checklist
  checklist::json_array_probe json_;  // of the first MiB of a JSON body
  bool measuring_ = false;
  bool measuring_json_ = false;
  link_ptr tunnel_;
  upstream_endpoint* endpoint_ = nullptr;
  net::event wake_;
  net::event upload_wake_;
  exchange_times times_{};
  std::uint16_t origin_status_ = 0;
  std::atomic<cache_reason> lost_{cache_reason::none};
  bool confirmed_ = false;
  bool in_flights_ = false;
  bool head_sent_ = false;             // request bytes reached a connection
  std::weak_ptr<upstream_link> link_;  // of the exchange in progress
  bool cancelled_ = false;             // nobody wants the answer
  bool upload_started_ = false;
  bool upload_running_ = false;
  bool upload_failed_ = false;  // by the client: it vanished, was too slow or sent nonsense
  bool upload_complete_ = false;
  bool may_continue_ = false;  // Expect: the backend said 100
  bool stop_upload_ = false;   // the exchange has ended: what the client still sends is thrown away
};

// Fetches that may be joined, by key.
class flight_table {
 public:
  // The fetch in flight for the key if it may be joined, else what `make` makes (and, if it is collapsible, lists).
  template <class F>
  std::pair<std::shared_ptr<fetch>, bool> join_or(std::uint64_t hash, const std::string& key,
                                                  F&& make) {
    auto& s = shards_[hash % shard_count];
    std::lock_guard lock(s.mutex);
    if (const auto it = s.map.find(key); it != s.map.end()) {
      if (it->second->joinable()) return {it->second, true};
      s.map.erase(it);
    }
    auto made = make();
    if (made) s.map.emplace(key, made);
    return {std::move(made), false};
  }
  void leave(std::uint64_t hash, const std::string& key, const fetch* which);
  [[nodiscard]] std::size_t size() const;

 private:
  static constexpr std::size_t shard_count = 16;
  struct shard {
    mutable std::mutex mutex;
    boost::unordered_flat_map<std::string, std::shared_ptr<fetch>> map;
  };
  std::array<shard, shard_count> shards_;
};

}  // namespace fairing::http
