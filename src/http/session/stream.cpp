// An answer that is still arriving goes to a client: whole, as one range of it, or as a 304, 412 or 416.
//
// A part is cut from the fill, which asked for the whole: the client has it as soon as its bytes are there, the cache
// gets all of them.
#include "codec/http1/writer.hpp"
#include "http/logic/conditional.hpp"
#include "http/logic/fields.hpp"
#include "http/session/connection.hpp"
#include "net/alarm.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t pieces_at_once = 24;
constexpr milliseconds look_every{500};  // for a client that has gone
// Of an answer that is not kept, more than this is not read only to be thrown away: the part is asked for instead.
constexpr std::uint64_t most_skipped = 1 << 20;

// Nobody here reads it: one that is not kept may end.
void let_go(fetch& f, net::event& ready) {
  std::size_t id = 0;
  if (f.body().open_reader(compress::coding::identity, ready.make_waker(), id))
    f.body().close_reader(id);
}
}  // namespace

void connection::append_stream_head(fetch& f, const http1::request_head& head, bool leader,
                                    const streamed& s) {
  auto& p = *pending_;
  const auto& a = *f.head();
  const auto total = a.content_length.value_or(0);
  const auto coding_name =
      s.coding == compress::coding::identity ? std::string_view{} : compress::to_string(s.coding);
  if (leader) {
    std::string fields;
    if (s.part) append_content_range(fields, *s.part, total);
    fields += rate_fields_;
    append_response_head(out_.text(), f.raw_head(),
                         {.body = {s.kind, s.length},
                          .client_http_1_0 = head.version_minor == 0,
                          .keep_alive = s.keep_alive,
                          .pass_length = head.method == http1::method::head || a.head.status == 304,
                          .tell_via = !site_->config.egress,
                          .now = now().wall,
                          .status = &p.status,
                          .coding = coding_name,
                          .vary_on_encoding = a.compressible,
                          .partial = s.part.has_value(),
                          .extra_fields = fields});
    return;
  }
  if (s.part) {
    append_part_of(head, a, *s.part, total, p.status, s.keep_alive);
    return;
  }
  auto& out = out_.text();
  out += a.head.text;
  if (!a.head.etag.empty()) {
    out += "ETag: ";
    if (coding_name.empty())
      out += a.head.etag;
    else
      append_etag_variant(out, a.head.etag, coding_name);
    out += "\r\n";
  }
  if (!coding_name.empty()) http1::append_header(out, "Content-Encoding", coding_name);
  if (s.kind == http1::body_kind::length) append_content_length(out, s.length);
  if (s.kind == http1::body_kind::chunked) out += "Transfer-Encoding: chunked\r\n";
  append_common(out, head, a, p.status, s.keep_alive);
}

// The backend was asked for the whole, without the client's conditions and ranges: they are judged here. Writes a 304,
// 412 or 416, or returns 0 and says which part is wanted. Several parts of what is not there yet would have to wait for
// each other: the whole answers them as well.
std::uint16_t connection::append_without_body(fetch& f, const http1::request_head& own,
                                              std::optional<byte_range>& part) {
  const auto& p = *pending_;
  const auto& a = *f.head();
  if (!p.request.may_store || a.head.status != 200) return 0;
  if (is_conditional(own))
    if (const auto code = append_by_condition(own, a, p.status, keep_alive_)) return code;
  if (!a.content_length || !own.has(http1::field::range)) return 0;
  const auto ranges = asked_ranges(own, a.head.validators(), *a.content_length);
  if (ranges.use == range_use::unsatisfiable)
    return append_unsatisfiable(own, *a.content_length, p.status, keep_alive_);
  if (ranges.use == range_use::parts && ranges.count == 1) part = ranges.ranges[0];
  return 0;
}

bool connection::open_stream(fetch& f, const http1::request_head& own, net::event& ready,
                             streamed& s, std::size_t& reader) {
  const auto& a = *f.head();
  auto& body = f.body();
  if (s.part) {
    s.kind = http1::body_kind::length;
    s.length = s.part->size();
    return body.open_reader(s.coding, ready.make_waker(), reader,
                            {s.part->first, s.part->last + 1});
  }
  if (const auto* asked = own.find(http1::field::accept_encoding); asked && a.compressible)
    s.coding = compress::choose(compress::parse_accept_encoding(asked->value),
                                site_->config.compression.encodings)
                   .value_or(s.coding);
  if (!body.open_reader(s.coding, ready.make_waker(), reader)) {
    s.coding = compress::coding::identity;
    if (!body.open_reader(s.coding, ready.make_waker(), reader)) return false;
  }
  if (own.method == http1::method::head || a.head.status == 204 || a.head.status == 304)
    return true;
  s.length = a.content_length.value_or(0);
  s.kind = s.coding == compress::coding::identity && a.content_length ? http1::body_kind::length
           : own.version_minor > 0                                    ? http1::body_kind::chunked
                                   : http1::body_kind::until_close;
  return true;
}

net::task<bool> connection::stream_answer(std::shared_ptr<fetch> f, bool leader, net::event& ready,
                                          bool& not_possible) {
  auto& p = *pending_;
  const auto& a = *f->head();
  http1::request_head own;
  http1::head_parser parser(
      http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)parser.parse_request(p.request.head_bytes, own);
  p.status.stored = a.store;
  if (p.status.detail.empty() && !a.store) p.status.detail = to_string(a.reason);
  const auto result = p.no_lookup || p.hit_for_miss ? cache_result::bypass
                      : leader                      ? cache_result::miss
                                                    : cache_result::collapsed;
  streamed s;
  if (const auto code = append_without_body(*f, own, s.part)) {
    const bool sent = co_await flush();
    let_go(*f, ready);
    finish_request(own, p.request.route, p.status, result, code, p.began_us, 0);
    co_return sent&& keep_alive_;
  }
  if (s.part && !a.store && s.part->first > most_skipped) {
    let_go(*f, ready);
    p.request.may_store = p.request.collapsible = false;
    p.request.stale = nullptr;
    not_possible = true;
    co_return false;
  }
  std::size_t reader = 0;
  if (!open_stream(*f, own, ready, s, reader)) {
    not_possible = true;
    co_return false;
  }
  s.keep_alive =
      keep_alive_ && s.kind != http1::body_kind::until_close && (body_complete_ || !p.request.body);
  append_stream_head(*f, own, leader, s);
  std::uint64_t sent_bytes = out_.bytes();
  // Trailers may describe the bytes that the backend sent: they go with these only.
  const bool with_trailers = s.coding == compress::coding::identity && accepts_trailers(own);
  const bool whole = co_await write_pieces(*f, reader, s.kind, with_trailers, ready, sent_bytes);
  f->body().close_reader(reader);
  note_facts(own, a, s.coding);
  facts_.streaming = a.content_type.starts_with("text/event-stream");
  if (whole && leader && !s.part) {
    facts_.key_hash = home_.plane.store.hash(p.request.key);
    facts_.body_hash = f->body_hash();
    facts_.longest_json_array = f->longest_json_array();
  }
  // What was said of it at its head may have been too much: the log and `explain` get what came of it.
  if (const auto lost = f->lost(); lost != cache_reason::none && p.status.stored) {
    p.status.stored = false;
    p.status.detail = to_string(lost);
  }
  finish_request(own, p.request.route, p.status, result, s.part ? 206 : a.head.status, p.began_us,
                 sent_bytes);
  co_return whole&& s.keep_alive;
}

net::task<bool> connection::write_pieces(fetch& f, std::size_t reader, http1::body_kind kind,
                                         bool with_trailers, net::event& ready,
                                         std::uint64_t& sent) {
  std::vector<piece> pieces;
  std::vector<net::part> parts;
  std::string framing;
  std::string last;
  std::string head;
  out_.swap_block(head);
  bool head_due = true;
  net::alarm look(home_.core, ready.make_waker(), now().mono + look_every);
  for (;;) {
    pieces.clear();
    parts.clear();
    framing.clear();
    auto state = fill_state::finished;
    if (kind != http1::body_kind::none) state = f.body().next(reader, pieces, pieces_at_once);
    if (head_due) parts.push_back({.memory = head});
    std::size_t bytes = 0;
    for (const auto& p : pieces) bytes += p.bytes.size();
    if (kind == http1::body_kind::chunked && bytes > 0) {
      http1::append_chunk_header(framing, bytes);
      parts.push_back({.memory = framing});
    }
    for (const auto& p : pieces) parts.push_back({.memory = p.bytes});
    if (kind == http1::body_kind::chunked) {
      if (bytes > 0) parts.push_back({.memory = "\r\n"});
      if (state == fill_state::finished) {
        last.clear();
        http1::append_last_chunk(last, with_trailers ? f.body().trailers() : std::string_view{});
        parts.push_back({.memory = last});
      }
    }
    sent += bytes;
    if (!parts.empty()) {
      const net::closer limit(home_.core, stream_, site_->config.timeouts.idle);
      auto ec = co_await stream_.write(parts);
      if (ec) co_return false;
      head_due = false;
    }
    if (state == fill_state::finished) co_return true;
    if (state == fill_state::aborted) {
      // Where only the connection's end ends the body, a clean end would make it look whole.
      if (kind == http1::body_kind::until_close) stream_.reset();
      co_return false;
    }
    if (!pieces.empty()) continue;
    co_await ready.wait();
    if (!look.rang()) continue;
    // Of a stream that is silent no write tells that the client has left.
    if (stream_.peer_ended()) co_return false;
    look.again(now().mono + look_every);
  }
}

}  // namespace fairing::http
