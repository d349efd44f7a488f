// connection: one client connection: reads requests, answers what the cache holds at once, and everything else through
// a fetch.
//
// Problem: a hit must be synchronous from read to write (PERF rule 3): parse, look up, append; all complete requests
// of one read are answered by one write. Only misses, uploads, tunnels and slow clients suspend.
//
// Flow: connection::start(state, site, socket)    // spawns; deletes itself when the client has gone
// Parts: connection.cpp the loop; answer_now.cpp the synchronous answers; exchange.cpp misses and streaming;
//   upload.cpp the request's body; tunnel.cpp upgrades; offload_exchange.cpp and offload_status.cpp what is put off.
// Threads: one core. Memory while idle: the coroutine's frame, this object and a 4 KiB input block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/http1/parser.hpp"
#include "http/logic/cache_status.hpp"
#include "http/logic/problem.hpp"
#include "http/logic/range.hpp"
#include "http/session/buffers.hpp"
#include "http/session/fetch.hpp"
#include "http/session/offload.hpp"
#include "http/session/plane.hpp"
#include "net/ip_set.hpp"

namespace fairing::http {

class held_bytes;  // offload_ask.hpp

class connection final : public net::timed, public body_source {
 public:
  static void start(core_state& home, std::size_t site_index, net::socket s);
  ~connection() override;

  void on_deadline() override;
  void begin_drain();  // closes it if it is idle

  // body_source
  net::task<step> next() override;
  [[nodiscard]] std::string_view trailers() const override { return chunks_.trailers(); }
  net::task<bool> send_continue() override;
  void upload_done(bool complete) override;

 private:
  // What the synchronous part wants next.
  enum class step_kind : std::uint8_t {
    read,      // no complete request is buffered
    flush,     // enough is queued: write, then go on
    exchange,  // pending_ must be fetched
    offload,   // pending_ is to be put off, or asks for what was
    close,     // write what is queued and end
  };
  // A request that could not be answered at once.
  struct pending {
    fetch_request request;
    cache_status status;  // fwd reason and detail so far
    std::int64_t began_us = 0;
    bool hit_for_miss = false;
    bool no_lookup = false;        // the cache has no say: pass
    bool of_offload = false;       // it asks for a request that was put off
    body_source* taken = nullptr;  // its body, where it has been read already
  };
  // What the look-up found; filled under the shard's lock.
  struct found {
    bool answered = false;
    bool vary = false;
    bool hit_for_miss = false;
    bool unsatisfiable = false;
    bool forced = false;
    cache_reason refused = cache_reason::none;
    bool refresh = false;
    bool softly_purged = false;
    compress::coding encode =
        compress::coding::identity;  // to be made of `entry` first, then answered
    stored_ptr entry;
    cache_status status;
    cache_result result = cache_result::hit;
    std::uint16_t answered_status = 200;
  };

  connection(core_state& home, std::size_t site_index, net::socket s);
  net::task<void> run();
  net::task<bool> establish();
  net::task<bool> read_proxy_header();
  bool begin_read();
  bool end_read(const net::io_result& r);
  bool flush_now(net::write_state& at);
  net::task<bool> flush(net::write_state at = {});
  net::task<void> linger();
  void reject_head();
  void name_client(const http1::request_head& head);

  // answer_now.cpp
  step_kind process();
  step_kind answer_now(const http1::request_head& head);
  bool refuse_early(const http1::request_head& head, const route_runtime& route);
  bool limit_rate(const http1::request_head& head, const route_runtime& route);
  bool answer_purge(const http1::request_head& head);
  step_kind look_up(const http1::request_head& head, const route_runtime& route,
                    cache_reason verdict);
  void tell_why(const found& f, cache_reason verdict);
  void on_found(found& f, const http1::request_head& head, const route_runtime& route,
                const stored_response& v, cache::lookup_state state);
  step_kind defer(const http1::request_head& head, const route_runtime& route);
  void refresh_later(const http1::request_head& head, const route_runtime& route, const found& f);
  fetch_request make_request(const http1::request_head& head, const route_runtime& route);
  void append_problem(const http1::request_head* head, problem p, std::string_view detail,
                      std::string_view extra_fields = {}, const cache_status* status = nullptr);
  void note_facts(const http1::request_head& head, const answer& a, compress::coding coding);
  void tell_checklist(const struct exchange_record& r, const http1::request_head& head,
                      const route_runtime* route, cache_result result);
  void finish_request(const http1::request_head& head, const route_runtime* route,
                      const cache_status& status, cache_result result, std::uint16_t code,
                      std::int64_t began_us, std::uint64_t bytes,
                      std::string_view problem_slug = {}, std::string_view written_status = {});

  // serve.cpp: a stored answer, whole, conditional or in ranges
  // `encode`: where a small body lacks the coding that the client would get, nothing is written, the coding is put
  // there and 0 returned; without it the coding is made in the background.
  std::uint16_t append_stored(const http1::request_head& head, const route_runtime& route,
                              const stored_response& v, std::string_view key,
                              const cache_status& status, bool keep_alive,
                              compress::coding* encode = nullptr);
  // Writes a 304 or a 412 if the request's conditions ask for it, else returns 0.
  std::uint16_t append_by_condition(const http1::request_head& head, const answer& a,
                                    const cache_status& status, bool keep_alive);
  stored_ptr encode_now(const stored_ptr& v, std::string_view key, compress::coding c);
  std::uint16_t append_ranges(const http1::request_head& head, const stored_response& v,
                              const range_set& ranges, const cache_status& status, bool keep_alive);
  // The head of a 206 with one range of an answer that may be shared; and the whole 416.
  void append_part_of(const http1::request_head& head, const answer& a, byte_range r,
                      std::uint64_t size, const cache_status& status, bool keep_alive);
  std::uint16_t append_unsatisfiable(const http1::request_head& head, std::uint64_t size,
                                     const cache_status& status, bool keep_alive);
  compress::coding choose_coding(const http1::request_head& head, const route_runtime& route,
                                 const stored_response& v, std::string_view key,
                                 compress::coding* encode);
  // The rest of the head after the answer's own fields, its empty line included: Vary and Age on, or from Age's value.
  void append_common(std::string& out, const http1::request_head& head, const answer& a,
                     const cache_status& status, bool keep_alive);
  void append_from_age(std::string& out, const http1::request_head& head, const answer& a,
                       const cache_status& status, bool keep_alive);

  // exchange.cpp
  net::task<bool> exchange();
  void begin_body(const http1::request_head& head);
  std::shared_ptr<fetch> start_or_join(bool may_join, bool& leader);
  net::task<bool> take_answer(std::shared_ptr<fetch> f, bool leader,
                              const http1::request_head& own_head, bool& once_more);
  enum class patience : std::uint8_t {
    lasts,   // an answer came, or a failure
    over,    // no answer in the request's time
    in_vain  // the client has gone, and the answer is for it alone
  };
  net::task<fetch_phase> await_answer(fetch& f, bool leader, net::event& ready, patience& how);
  net::task<bool> answer_failure(const fetch_failure& failure);
  net::task<bool> answer_stored(const fetch& f);
  net::task<bool> settle_body(bool keep_alive);
  // stream.cpp: an answer that is still arriving
  // How its body goes to this client.
  struct streamed {
    compress::coding coding = compress::coding::identity;
    http1::body_kind kind = http1::body_kind::none;
    std::uint64_t length = 0;        // for body_kind::length
    std::optional<byte_range> part;  // 206: this much of it only
    bool keep_alive = true;
  };
  // `not_possible`: it has to be fetched again, for this client alone.
  net::task<bool> stream_answer(std::shared_ptr<fetch> f, bool leader, net::event& ready,
                                bool& not_possible);
  std::uint16_t append_without_body(fetch& f, const http1::request_head& own,
                                    std::optional<byte_range>& part);
  bool open_stream(fetch& f, const http1::request_head& own, net::event& ready, streamed& s,
                   std::size_t& reader);
  void append_stream_head(fetch& f, const http1::request_head& head, bool leader,
                          const streamed& s);
  net::task<bool> write_pieces(fetch& f, std::size_t reader, http1::body_kind kind,
                               bool with_trailers, net::event& ready, std::uint64_t& sent);
  // tunnel.cpp
  net::task<bool> tunnel(std::shared_ptr<fetch> f);
  // offload_exchange.cpp: requests that are put off
  [[nodiscard]] bool puts_off(const http1::request_head& head, const route_runtime& route) const;
  net::task<bool> offload();
  net::task<bool> put_off(const http1::request_head& head);
  [[nodiscard]] bool may_forward(const http1::request_head& head, offload_fault why) const;
  net::task<bool> forward(std::string why);
  net::task<bool> forward_taken(const http1::request_head& head, std::string_view body,
                                std::string why);
  net::task<bool> take_body(const http1::request_head& head, std::size_t most, std::string& body,
                            held_bytes& held);
  [[nodiscard]] offload_order make_order(const http1::request_head& head, std::string_view body);
  void answer_put(const http1::request_head& head, const offload_reply& r);
  void append_accepted(const http1::request_head& head, const offload_reply& r);
  void append_kept(const http1::request_head& head, const offload_reply& r, bool at_its_own_url);
  void append_fault(const http1::request_head& head, const offload_reply& r);
  void append_own(const http1::request_head& head, std::uint16_t code, std::string_view fields,
                  std::string_view body);
  // offload_status.cpp: /_fairing/jobs/TOKEN[/result]
  [[nodiscard]] bool asks_for_offload(const http1::request_head& head) const;
  net::task<bool> offload_status(const http1::request_head& head);
  [[nodiscard]] std::vector<std::string> principals_of(const http1::request_head& head) const;
  void answer_status(const http1::request_head& head, const offload_reply& r);
  void answer_result(const http1::request_head& head, const offload_reply& r);

  core_state& home_;
  const std::size_t site_index_;
  std::shared_ptr<const site_runtime> site_;
  net::stream stream_;
  in_buffer in_;
  out_queue out_;
  http1::head_parser parser_;
  net::ip_address peer_;
  std::string client_ip_;
  bool trusted_ = false;
  bool keep_alive_ = true;  // after the current answer
  bool expired_ = false;
  bool reading_ = false;  // a read is pending: a deadline ends it without closing
  bool idle_ = false;     // between requests
  std::unique_ptr<pending> pending_;
  // Cache-Status's member as append_common wrote it into out_: valid until out_ is written.
  std::size_t status_at_ = 0;
  std::size_t status_size_ = 0;
  std::string rate_fields_;  // of the answer in hand: RateLimit, where its route has a limit
  // What the checklist is told of the answer in hand.
  struct answer_facts {
    bool compressible = false;
    bool encoded = false;
    bool compress_asked = false;
    bool streaming = false;
    std::uint64_t key_hash = 0;
    std::uint64_t body_hash = 0;
    std::uint32_t longest_json_array = 0;
    std::uint64_t likeness = 0;  // of an answer from the cache: http_exchange says which
  };
  answer_facts facts_;

  // the current request's body
  http1::chunked_decoder chunks_;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_taken_ = 0;
  bool body_chunked_ = false;
  bool body_complete_ = true;
  bool upload_active_ = false;    // a fetch may be reading it: until upload_done()
  std::size_t consume_next_ = 0;  // bytes of in_ that the last step's data viewed
  std::optional<problem> body_failure_;
  std::unique_ptr<net::event> upload_ended_;
};

}  // namespace fairing::http
