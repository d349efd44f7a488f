// Runs a request that was put off: the same fetch as any, its body from memory, its answer read whole.
#include <algorithm>

#include "http/logic/kept_message.hpp"
#include "http/logic/request_key.hpp"
#include "http/session/fetch.hpp"
#include "http/session/kept_body.hpp"
#include "http/session/offload.hpp"
#include "http/session/plane.hpp"
#include "net/alarm.hpp"

namespace fairing::http {

namespace {

constexpr std::size_t pieces_at_once = 16;

// A site that is alone may have got another address since.
std::shared_ptr<const site_runtime> site_named(const http_plane& p, std::string_view name) {
  const auto all = p.sites();
  for (const auto& s : all)
    if (s->config.name == name) return s;
  return all.size() == 1 ? all.front() : nullptr;
}

kept_end no_answer(std::string why, bool reached) {
  kept_end out;
  out.reached = reached;
  out.detail = std::move(why);
  return out;
}

fetch_request request_of(core_state& state, std::shared_ptr<const site_runtime> site,
                         const kept_request& kept, const kept_run& r) {
  fetch_request f;
  f.route = &site->route_of(kept.head);
  f.head_bytes = r.message.substr(0, kept.head.size);
  f.peer_ip = r.peer_ip;
  f.client_ip = r.client_ip;
  f.scheme = r.scheme;
  f.trusted_peer = r.trusted_peer;
  f.trace = continue_trace(r.traceparent, {state.random(), state.random(), state.random()});
  make_key(f.key, site->config.name, kept.head, site->config.cache.key);
  f.flight_key = f.key;
  f.began = state.plane.purges.seq();
  f.deadline = r.deadline;
  f.patient = true;
  f.site = std::move(site);
  return f;
}

// The whole body; false: it broke off, or is over `most` (then `large`).
net::task<bool> read_whole(core_state& state, std::shared_ptr<fetch> f, std::size_t most,
                           std::string& body, bool& large) {
  net::event more(state.core);
  std::size_t reader = 0;
  if (!f->body().open_reader(compress::coding::identity, more.make_waker(), reader))
    co_return false;
  std::vector<piece> pieces;
  auto s = fill_state::open;
  for (;;) {
    pieces.clear();
    s = f->body().next(reader, pieces, pieces_at_once);
    for (const auto& p : pieces) {
      large = large || body.size() + p.bytes.size() > most;
      if (!large) body.append(p.bytes);
    }
    if (large || s != fill_state::open) break;
    if (pieces.empty()) co_await more.wait();
  }
  f->body().close_reader(reader);
  co_return !large && s == fill_state::finished;
}

}  // namespace

net::task<kept_end> run_kept(core_state& state, kept_run r) {
  kept_request kept;
  if (!kept.read(r.message)) co_return no_answer("what was kept is no HTTP request", false);
  auto site = site_named(state.plane, r.site);
  if (!site)
    co_return no_answer("there is no site " + r.site + " any more in the configuration", false);
  auto request = request_of(state, site, kept, r);
  kept_body body(state.core, kept.body);
  if (has_body(kept.head)) {
    request.body = &body;
    body.lend();
  }
  const auto f = fetch::start(state, std::move(request));
  net::event ready(state.core);
  f->join(ready.make_waker());
  while (f->phase() == fetch_phase::waiting) co_await ready.wait();
  kept_end out;
  if (f->phase() == fetch_phase::streamed) {
    std::string bytes;
    bool large = false;
    const bool whole = co_await read_whole(state, f, r.most_answer, bytes, large);
    if (whole) {
      const auto& head = f->raw_head();
      out.answered = true;
      out.status = head.status;
      out.retry_after = head.get(http1::field::retry_after);
      out.answer = keep_answer(head, bytes);
    } else {
      out.detail = large ? "the answer is over what the queue's `payload` allows: raise it, or "
                           "store the data elsewhere and answer where it is"
                         : "the backend broke off inside its answer";
    }
  } else {
    const auto& failure = f->failure();
    out.detail = failure.detail;
    out.timed_out = failure.type == problem::upstream_timeout;
    out.reached = !f->unsent();
  }
  f->leave(!out.answered);
  co_await body.back();
  co_return out;
}

}  // namespace fairing::http
