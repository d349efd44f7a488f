// The synchronous half of a connection: everything that needs no waiting.
#include "base/timestamp.hpp"
#include "codec/http1/writer.hpp"
#include "http/logic/forward.hpp"
#include "http/logic/request_key.hpp"
#include "http/session/connection.hpp"
#include "limit/headers.hpp"

namespace fairing::http {

namespace {
constexpr std::string_view own_via = "fairing";
constexpr std::size_t most_hops = 10;

std::string_view rate_key_value(const http1::request_head& head, const rate_limit_config& c,
                                std::string_view client_ip) {
  if (c.key == rate_key::ip) return client_ip;
  if (c.key == rate_key::header) {
    const auto* h = head.find(c.key_name);
    return h ? h->value : std::string_view{};
  }
  return find_cookie(head, c.key_name).value_or(std::string_view{});
}

std::size_t hops(const http1::request_head& head) {
  std::size_t n = 0;
  head.for_each_element(http1::field::via, [&](std::string_view e) {
    if (e.find(own_via) != std::string_view::npos) ++n;
  });
  return n;
}
}  // namespace

connection::step_kind connection::process() {
  auto& head = home_.head;
  while (!in_.empty()) {
    if (out_.full()) return step_kind::flush;
    const auto status = parser_.parse_request(in_.view(), head);
    if (status == http1::parse_status::need_more) return step_kind::read;
    if (status == http1::parse_status::error) {
      reject_head();
      return step_kind::close;
    }
    parser_.reset();
    clear_deadline();
    keep_alive_ = head.keep_alive && !home_.plane.draining();
    const auto size = head.size;
    const auto did = answer_now(head);
    in_.consume(size);
    if (did != step_kind::read) return did;  // read: answered, go on
    if (!keep_alive_) return step_kind::close;
  }
  return step_kind::read;
}

connection::step_kind connection::answer_now(const http1::request_head& head) {
  const auto& route = site_->route_of(head);
  rate_fields_.clear();
  if (trusted_) name_client(head);
  if (refuse_early(head, route)) return keep_alive_ ? step_kind::read : step_kind::close;
  if (answer_purge(head)) return step_kind::read;
  if (asks_for_offload(head)) {
    pending_ = std::make_unique<pending>(pending{make_request(head, route), {}, precise_us()});
    pending_->of_offload = true;
    return step_kind::offload;
  }
  const bool bypassed = route.bypassed();
  auto verdict = bypassed ? cache_reason::bypassed : judge_request(head, route.compiled->rules);
  if (verdict == cache_reason::none && has_body(head)) verdict = cache_reason::method;
  if (verdict == cache_reason::none && head.upgrade) verdict = cache_reason::upgrade;
  return look_up(head, route, verdict);
}

// Requests that get Fairing's own answer whatever the cache holds.
bool connection::refuse_early(const http1::request_head& head, const route_runtime& route) {
  const auto refuse = [&](problem p, std::string_view detail, std::string_view fields = {}) {
    if (has_body(head)) keep_alive_ = false;  // the body is not worth reading
    append_problem(&head, p, detail, fields);
    return true;
  };
  if (head.body == http1::body_kind::length && head.content_length > site_->config.limits.body)
    return refuse(problem::body_too_large, "Content-Length is over limits.body of this site");
  if (head.method == http1::method::connect)
    return refuse(problem::method_not_allowed, "CONNECT is not proxied",
                  "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
  if (!head.expect_continue && head.version_minor > 0 && head.has(http1::field::expect))
    return refuse(problem::expectation_failed, "only Expect: 100-continue is understood");
  if (head.has(http1::field::via) && hops(head) >= most_hops)
    return refuse(problem::loop_detected, "Via names this proxy too often");
  if (ends_at_this_hop(head)) {
    if (has_body(head)) keep_alive_ = false;  // what follows is no request
    out_.text() += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    http1::append_header(out_.text(), "Via", "1.1 fairing");
    if (!keep_alive_) out_.text() += "Connection: close\r\n";
    out_.text() += "\r\n";
    return true;
  }
  return route.limiter_id != 0 && limit_rate(head, route);
}

bool connection::limit_rate(const http1::request_head& head, const route_runtime& route) {
  auto& plane = home_.plane;
  if (route.bypassed()) return false;
  const auto& config = *route.config->rate_limit;
  const auto key = rate_key_value(head, config, client_ip_);
  const auto d = plane.limiter.take(limit::key_hash(route.limiter_id, key), route.limiter,
                                    home_.core.now().mono);
  const bool acts = config.mode != rule_mode::observe;
  if (acts) {
    rate_fields_ = "RateLimit-Policy: ";
    limit::append_policy(rate_fields_, route.compiled->label, config.limit);
    rate_fields_ += "\r\nRateLimit: ";
    limit::append_state(rate_fields_, route.compiled->label, d);
    rate_fields_ += "\r\n";
  }
  if (d.allowed) {
    plane.ratelimit_allowed.add();
    return false;
  }
  if (!acts) {
    plane.ratelimit_observed.add();
    return false;
  }
  plane.ratelimit_denied.add();
  if (has_body(head)) keep_alive_ = false;
  auto& fields = home_.text;
  fields.assign("Retry-After: ");
  http1::append_decimal(fields, limit::retry_after_seconds(d));
  fields += "\r\n";
  fields += rate_fields_;
  append_problem(&head, problem::rate_limited, "too many requests for " + route.compiled->label,
                 fields);
  return true;
}

// PURGE as frameworks send it: by tags in Surrogate-Key, Cache-Tag(s), xkey(-purge), else its own URL.
bool connection::answer_purge(const http1::request_head& head) {
  const bool by_keys = head.method_text == "PURGEKEYS";
  if (head.method != http1::method::purge && !by_keys) return false;
  if (has_body(head)) keep_alive_ = false;
  if (!site_->may_purge.contains(peer_)) {
    append_problem(&head, problem::forbidden,
                   "PURGE is not allowed from this address: see purge_from");
    return true;
  }
  const auto tags = extract_tags(head);
  const auto* soft = head.find("fastly-soft-purge");
  const auto* soft_keys = head.find("xkey-softpurge");
  bus::purge_request request;
  request.source = bus::purge_source::http_purge;
  if ((soft && soft->value == "1") || soft_keys) request.kind = cache::purge_kind::soft;
  for (const auto& t : tags) request.tags.emplace_back(t);
  if (soft_keys) {
    std::size_t start = 0;
    const auto all = soft_keys->value;
    while (start < all.size()) {
      const auto end = std::min(all.find_first_of(" ,", start), all.size());
      if (end > start) request.tags.emplace_back(all.substr(start, end - start));
      start = end + 1;
    }
  }
  cache::purge_seq seq = 0;
  if (request.tags.empty()) {
    home_.key.clear();
    make_key(home_.key, site_->config.name, head, site_->config.cache.key);
    seq = home_.plane.purge_key(home_.key, request.source, request.kind);
  } else {
    const auto done = home_.plane.bus->apply(request);
    if (!done) {
      append_problem(&head, problem::bad_request, done.error().message());
      return true;
    }
    seq = done->seq;
  }
  const auto body = "{\"seq\":" + std::to_string(seq) +
                    ",\"tags\":" + std::to_string(request.tags.size()) + "}\n";
  auto& out = out_.text();
  out += "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
  http1::append_decimal(out, body.size());
  out += keep_alive_ ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  out += body;
  return true;
}

void connection::append_problem(const http1::request_head* head, problem p, std::string_view detail,
                                std::string_view extra_fields, const cache_status* status) {
  home_.plane.problems.add();
  const auto t = now();
  if (!head) keep_alive_ = false;
  cache_status none;
  const auto before = out_.bytes();
  append_problem_response(out_.text(), p, detail,
                          {.keep_alive = keep_alive_,
                           .client_http_1_0 = head && head->version_minor == 0,
                           .head_only = head && head->method == http1::method::head,
                           .now = t.wall,
                           .status = status,
                           .extra_fields = extra_fields});
  static const http1::request_head nothing;
  finish_request(head ? *head : nothing, head ? &site_->route_of(*head) : nullptr,
                 status ? *status : none, cache_result::error, info(p).status, precise_us(),
                 out_.bytes() - before, info(p).slug);
}

connection::step_kind connection::look_up(const http1::request_head& head,
                                          const route_runtime& route, cache_reason verdict) {
  const auto began_us = precise_us();
  pending_.reset();
  auto& key = home_.key;
  key.clear();
  status_at_ = status_size_ = 0;
  make_key(key, site_->config.name, head, site_->config.cache.key);
  const auto primary_size = key.size();
  const auto t = home_.core.now();
  found f;
  cache::purge_seq began = home_.plane.purges.seq();
  if (verdict == cache_reason::none) {
    auto& store = home_.plane.store;
    const auto before = out_.bytes();
    std::uint64_t hash = 0;
    auto look = [&] {
      hash = store.hash(key);
      (void)store.visit(hash, key, t, [&](const cache::value& v, cache::lookup_state s) {
        on_found(f, head, route, static_cast<const stored_response&>(v), s);
      });
    };
    look();
    if (f.vary) {
      append_variant(key, f.entry->of->vary, head, route.compression);
      f = found{.status = {.fwd = fwd_reason::vary_miss}};
      look();
    }
    if (f.answered) {
      if (f.encode != compress::coding::identity) {
        f.entry = encode_now(f.entry, key, f.encode);
        f.answered_status = append_stored(head, route, *f.entry, key, f.status, keep_alive_);
      }
      if (f.refresh) refresh_later(head, route, f);
      facts_.likeness = site_->likeness(hash, route, f.answered_status);
      const auto status = std::string_view(out_.text()).substr(status_at_, status_size_);
      finish_request(head, &route, f.status, f.result, f.answered_status, began_us,
                     out_.bytes() - before, {}, status);
      return step_kind::read;
    }
    if (request_directives d;
        f.unsatisfiable || (!f.entry && head.has(http1::field::cache_control) &&
                            (d = parse_request_directives(head), d.only_if_cached))) {
      f.status.detail = "only-if-cached";
      append_problem(&head, problem::only_if_cached,
                     "nothing stored can answer this only-if-cached request", {}, &f.status);
      return step_kind::read;
    }
  }
  pending_ = std::make_unique<pending>(
      pending{make_request(head, route), {}, began_us, f.hit_for_miss, false});
  auto& p = *pending_;
  auto& r = p.request;
  r.began = began;
  r.stale = f.entry;
  r.stale_softly_purged = f.softly_purged;
  if (f.entry) r.stale_key = key;
  r.flight_key = key;
  r.key.assign(key, 0, primary_size);
  const bool get = head.method == http1::method::get;
  p.no_lookup = verdict != cache_reason::none;
  // A part of what is known not to be kept is asked for as a part.
  const bool part = f.hit_for_miss && head.has(http1::field::range);
  r.may_store = !p.no_lookup && get && !part;
  // Requests with credentials join nothing unless what is there says so: the answer may be theirs alone.
  const bool personal = head.has(http1::field::authorization) || head.has(http1::field::cookie);
  r.collapsible = r.may_store && !f.hit_for_miss && !personal;
  tell_why(f, verdict);
  return puts_off(head, route) ? step_kind::offload : step_kind::exchange;
}

// Cache-Status of a request that goes to the backend: why.
void connection::tell_why(const found& f, cache_reason verdict) {
  auto& p = *pending_;
  if (p.no_lookup) {
    p.status.fwd = verdict == cache_reason::method ? fwd_reason::method : fwd_reason::bypass;
    p.status.detail = to_string(verdict);
  } else if (f.hit_for_miss) {
    p.status.fwd = fwd_reason::bypass;
    p.status.detail = to_string(cache_reason::hit_for_miss);
  } else if (f.entry) {
    p.status.fwd = f.forced ? fwd_reason::request : fwd_reason::stale;
    if (f.refused != cache_reason::none) p.status.detail = to_string(f.refused);
  } else {
    p.status.fwd =
        f.status.fwd == fwd_reason::vary_miss ? fwd_reason::vary_miss : fwd_reason::uri_miss;
  }
}

void connection::on_found(found& f, const http1::request_head& head, const route_runtime& route,
                          const stored_response& v, cache::lookup_state state) {
  if (v.kind == stored_kind::hit_for_miss) {
    f.hit_for_miss = true;
    return;
  }
  if (v.kind == stored_kind::vary_marker) {
    f.vary = true;
    f.entry = stored_ptr(&v);
    return;
  }
  const auto t = home_.core.now();
  f.softly_purged = state == cache::lookup_state::purged;
  const bool honour = site_->config.cache.honour_request_no_cache || trusted_;
  const auto use =
      judge_hit(head, v.of->fresh, f.softly_purged, honour, t.mono, 1.0 - home_.uniform());
  switch (use.use) {
    case hit_use::revalidate:
      f.forced = use.request_forced;
      f.refused = use.refused;
      f.entry = stored_ptr(&v);
      return;
    case hit_use::unsatisfiable:
      f.unsatisfiable = true;
      return;
    case hit_use::serve_refresh:
    case hit_use::serve_stale:
      f.refresh = !v.refreshing.exchange(true, std::memory_order_relaxed);
      if (f.refresh) f.entry = stored_ptr(&v);
      break;
    case hit_use::serve:
      break;
  }
  f.answered = true;
  f.status = {.hit = true,
              .has_ttl = true,
              .ttl = ttl_of(v.of->fresh, f.softly_purged, t.mono),
              .detail = "l1"};
  f.result = use.use == hit_use::serve_stale ? cache_result::stale : cache_result::hit;
  f.answered_status = append_stored(head, route, v, home_.key, f.status, keep_alive_, &f.encode);
  if (f.encode != compress::coding::identity) f.entry = stored_ptr(&v);
}

fetch_request connection::make_request(const http1::request_head& head,
                                       const route_runtime& route) {
  fetch_request r;
  r.site = site_;
  r.route = &route;
  r.head_bytes.assign(in_.view().substr(0, head.size));
  r.peer_ip = trusted_ ? peer_.text() : client_ip_;
  r.client_ip = client_ip_;
  r.scheme = stream_.is_tls() ? "https" : "http";
  r.trusted_peer = trusted_;
  r.trace = continue_trace(head.get(http1::field::traceparent),
                           {home_.random(), home_.random(), home_.random()});
  auto total = site_->total_timeout(route);
  if (trusted_)
    total = std::min<milliseconds>(total, read_deadline(head).value_or(milliseconds::max()));
  r.deadline = head.upgrade ? mono_time::max() : now().mono + total;
  return r;
}

// Stale or soon stale: ask the origin in the background; this client already has its answer.
void connection::refresh_later(const http1::request_head& head, const route_runtime& route,
                               const found& f) {
  auto r = make_request(head, route);
  r.began = home_.plane.purges.seq();
  r.stale = f.entry;
  r.stale_softly_purged = f.softly_purged;
  r.stale_key = home_.key;
  r.flight_key = home_.key;
  r.key.clear();
  make_key(r.key, site_->config.name, head, site_->config.cache.key);
  r.may_store = true;
  r.collapsible = true;
  r.background = true;
  const auto hash = home_.plane.store.hash(r.flight_key);
  const auto flight_key = r.flight_key;
  (void)home_.plane.flights.join_or(hash, flight_key,
                                    [&] { return fetch::start(home_, std::move(r)); });
}

void connection::finish_request(const http1::request_head& head, const route_runtime* route,
                                const cache_status& status, cache_result result, std::uint16_t code,
                                std::int64_t began_us, std::uint64_t bytes,
                                std::string_view problem_slug, std::string_view written_status) {
  const auto took = precise_us() - began_us;
  site_->results[static_cast<std::size_t>(result)].add();
  const auto cls = std::clamp(code / 100 - 1, 0, 4);
  if (route) route->duration[cls].observe_us(took);
  auto& member = home_.text;
  member.clear();
  if (written_status.empty()) append_cache_status_member(member, status);
  exchange_record r;
  r.time_ms = unix_ms();
  const auto trace = head.get(http1::field::traceparent);
  if (trace.size() >= 35) r.trace_id = trace.substr(3, 32);
  if (pending_ && r.trace_id.empty()) r.trace_id = pending_->request.trace.trace();
  r.method = head.method_text;
  r.authority = head.authority;
  r.target = head.target;
  r.site = site_->config.name;
  r.route = route ? std::string_view(route->compiled->label) : std::string_view{};
  r.client_ip = client_ip_;
  r.cache_status = written_status.empty() ? member : written_status;
  r.result = to_string(result);
  r.user_agent = head.get(http1::field::user_agent);
  r.problem = problem_slug;
  r.status = code;
  r.bytes_out = bytes;
  r.duration_us = took;
  home_.finish(r);
  tell_checklist(r, head, route, result);
}

void connection::note_facts(const http1::request_head& head, const answer& a,
                            compress::coding coding) {
  facts_.compressible = a.text_like;
  facts_.encoded = coding != compress::coding::identity || a.head.encoded;
  facts_.compress_asked = facts_.encoded;
  if (!facts_.compressible || facts_.encoded) return;
  const auto* asked = head.find(http1::field::accept_encoding);
  facts_.compress_asked =
      asked && compress::choose(home_.accepted_of(asked->value),
                                site_->config.compression.encodings) > compress::coding::identity;
}

void connection::tell_checklist(const exchange_record& r, const http1::request_head& head,
                                const route_runtime* route, cache_result result) {
  using http1::method;
  const auto facts = std::exchange(facts_, {});
  if (result == cache_result::error || !route) return;
  if (pending_ && pending_->of_offload) return;  // no address of the backend's
  if (site_->replaced.load(std::memory_order_relaxed)) return;
  const auto m = head.method;
  home_.plane.evidence.record(
      {.site = r.site,
       .route = r.route,
       .method = r.method,
       .path = head.path,
       .status = r.status,
       .served_by_tier = result == cache_result::hit || result == cache_result::stale ||
                         result == cache_result::collapsed,
       .compressible = facts.compressible,
       .encoded = facts.encoded,
       .compress_asked = facts.compress_asked,
       .rate_limited_route = route->limiter_id != 0,
       .state_changing =
           m == method::post || m == method::put || m == method::del || m == method::patch,
       .streaming = facts.streaming,
       .body_bytes = r.bytes_out,
       .duration_us = r.duration_us,
       .longest_json_array = facts.longest_json_array,
       .key_hash = facts.key_hash,
       .body_hash = facts.body_hash,
       .likeness = facts.likeness},
      home_.core.now().mono);
}

}  // namespace fairing::http
