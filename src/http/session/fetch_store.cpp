// The second half of fetch: what becomes of the answer: shared, stored, remembered as uncacheable, or replaced by a
// stale one.
#include "base/hash.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/conditional.hpp"
#include "http/logic/request_key.hpp"
#include "http/logic/validation.hpp"
#include "http/session/fetch.hpp"
#include "http/session/plane.hpp"

namespace fairing::http {

namespace {
constexpr std::uint64_t most_measured_json = 1 << 20;
constexpr milliseconds hit_for_miss_ttl{10'000};
constexpr milliseconds marker_ttl_least{3'600'000};

bool is_server_failure(std::uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

// The request as anybody would have sent it: who asks, and whether by HEAD, says nothing about what is stored.
http1::request_head made_anonymous(http1::request_head request) {
  request.method = http1::method::get;
  std::erase_if(request.headers, [](const http1::header& h) {
    return h.id == http1::field::authorization || h.id == http1::field::cookie ||
           h.id == http1::field::range;
  });
  return request;
}

bool may_answer(const freshness& f, const http1::request_head& request) {
  return (f.cookie_ok || !request.has(http1::field::cookie)) &&
         (f.authorization_ok || !request.has(http1::field::authorization));
}

bool is_event_stream(std::string_view type) {
  constexpr std::string_view name = "text/event-stream";
  return type.size() >= name.size() && iequals(type.substr(0, name.size()), name);
}

// Fairing negotiates Accept-Encoding itself on such routes: the name is no part of the key.
vary_spec effective_vary(const http1::response_head& response, const route_config& route,
                         bool own_encodings) {
  auto spec = parse_vary(response);
  for (const auto& name : route.cache.vary) add_name(spec, name);
  if (own_encodings) std::erase(spec.names, "accept-encoding");
  return spec;
}

cache_reason reason_of(cache::put_result r) {
  switch (r) {
    case cache::put_result::stored:
      return cache_reason::none;
    case cache::put_result::purged_meanwhile:
      return cache_reason::purged_meanwhile;
    case cache::put_result::no_ttl:
      return cache_reason::expired;
    default:
      return cache_reason::too_large;
  }
}

void tag_all(answer& a, const http1::response_head& response, const fetch_request& request) {
  a.tags.push_back(cache::url_tag_of(request.key));
  for (const auto t : request.route->tags)
    if (a.tags.size() < cache::max_tags) a.tags.push_back(t);
  const auto named = extract_tags(response);
  if (named.overflow || a.tags.size() + named.count > cache::max_tags) {
    a.store = false;
    a.reason = cache_reason::too_large;
    return;
  }
  for (const auto& tag : named) a.tags.push_back(cache::tag_of(tag));
}
}  // namespace

void fetch::on_head() {
  const auto& site = *request_.site;
  if (invalidates(request_.head.method, response_.status)) invalidate();
  if (response_.status == 304 && request_.stale && !answers_client() && on_not_modified()) return;
  if (is_server_failure(response_.status) && serve_stale_on_error()) {
    leave_flights();
    set_phase(fetch_phase::stored);
    return;
  }
  auto made = std::make_shared<answer>();
  made->content_type = response_.get(http1::field::content_type);
  if (is_event_stream(made->content_type)) request_.deadline = mono_time::max();
  if (response_.body == http1::body_kind::length) made->content_length = response_.content_length;
  if (response_.body == http1::body_kind::none) made->content_length = 0;
  const auto cdn =
      site.config.cache.cdn_cache_control ? parse_cdn_directives(response_) : response_directives{};
  const auto plain = parse_response_directives(response_);
  made->head =
      build_stored_head(response_, cdn.present ? cdn : plain, times_.response_received.wall);
  made->vary = effective_vary(response_, *request_.route->config, request_.route->compression);
  made->text_like = response_.status == 200 && compress::compressible_type(made->content_type);
  measuring_ = response_.status == 200;
  measuring_json_ =
      measuring_ && !made->head.encoded && made->content_type.find("json") != std::string::npos;
  made->compressible =
      request_.route->compression && response_.status == 200 && !made->head.encoded &&
      !made->head.no_transform && !is_event_stream(made->content_type) &&
      compress::compressible_type(made->content_type) &&
      made->content_length.value_or(UINT64_MAX) >= site.config.compression.min_size;
  if (request_.may_store) {
    const auto judged = judge_response(request_.head, response_, request_.route->compiled->rules,
                                       times_, home_.uniform());
    made->store = judged.store;
    made->reason = judged.reason;
    made->fresh = judged.freshness;
  } else {
    made->reason = cache_reason::method;
  }
  tag_all(*made, response_, request_);
  if (made->vary.star && made->store) made->store = false, made->reason = cache_reason::vary_star;
  if (made->store && (made->content_length.value_or(0) > site.config.limits.object))
    made->store = false, made->reason = cache_reason::too_large;
  if (made->store &&
      fill_bytes_in_flight().load(std::memory_order_relaxed) > home_.plane.fill_limit)
    made->store = false, made->reason = cache_reason::bypassed;
  const bool keep = made->store;
  {
    std::lock_guard lock(mutex_);
    answer_ = std::move(made);
  }
  if (!keep) {
    buffer_.set_passing();
    remember_uncacheable();
    leave_flights();
  }
  set_phase(fetch_phase::streamed);
}

bool fetch::purged_since() const {
  const auto& log = home_.plane.purges;
  const auto concerns = [&](const answer& a) {
    return log.check(a.tags, request_.key, request_.began) != cache::verdict::fresh;
  };
  return concerns(*answer_) || (request_.stale && concerns(*request_.stale->of));
}

// The origin confirmed the stored answer: refresh its head and lifetime (RFC 9111 §4.3.4).
bool fetch::on_not_modified() {
  const auto& old = *request_.stale->of;
  const auto cdn = parse_cdn_directives(response_);
  const auto plain = parse_response_directives(response_);
  auto made = std::make_shared<answer>(old);
  made->head = update_from_304(old.head, response_, cdn.present ? cdn : plain,
                               times_.response_received.wall);
  http1::response_head merged;
  parse_stored(made->head, merged, &response_);
  const auto judged = judge_response(made_anonymous(request_.head), merged,
                                     request_.route->compiled->rules, times_, home_.uniform());
  const bool personal =
      !may_answer(judged.freshness, request_.head) || request_.head.method != http1::method::get;
  made->fresh = judged.freshness;
  if (!judged.store) made->fresh.stored = times_.response_received.mono;
  made->store = judged.store && !personal;
  made->reason = judged.reason;
  if (extract_tags(response_).count > 0) {
    made->tags.clear();
    tag_all(*made, response_, request_);
  }
  if (response_.has(http1::field::vary)) {
    // Its key was made of other names: it cannot stay where it is.
    made->vary = effective_vary(response_, *request_.route->config, request_.route->compression);
    if (made->vary.star || made->vary.names != old.vary.names) made->store = false;
  }
  auto codings = request_.stale->codings;
  auto fresh = make_stored(made, std::move(codings));
  confirmed_ = true;
  auto& store = home_.plane.store;
  if (made->store) {
    const auto t = now();
    (void)store.put(store.hash(request_.stale_key), request_.stale_key, fresh,
                    {keep_for(made->fresh, t.mono), made->tags, request_.began}, t);
  } else if (!personal) {
    store.erase(store.hash(request_.stale_key), request_.stale_key);
  }
  {
    std::lock_guard lock(mutex_);
    answer_ = made;
    stored_ = std::move(fresh);
  }
  leave_flights();
  set_phase(fetch_phase::stored);
  return true;
}

// A HEAD's own condition went to the origin because what is stored gave nothing to ask with: its 304 says what the
// client has, nothing of ours (RFC 9111 §4.3.4), and goes to the client as it is.
bool fetch::answers_client() const noexcept {
  return !request_.may_store && !has_validators(request_.stale->of->head) &&
         is_conditional(request_.head);
}

// A 304 whose ETag the stored answer never had confirms nothing if only a date was sent, or a client's own condition
// (dates are too coarse): the whole is asked for. Where our If-None-Match was sent, the 304 is its answer.
bool fetch::refuses_304() {
  if (!request_.stale || answers_client()) return false;
  const auto& head = request_.stale->of->head;
  if (!head.etag.empty() && !head.etag_made) return false;
  if (match_304(head, response_) != match_kind::differs) return false;
  request_.stale->refreshing.store(false, std::memory_order_relaxed);
  request_.stale = nullptr;
  fail_with(problem::upstream_bad_response,
            "the backend's 304 has an ETag that it was not asked about");
  return true;
}

bool fetch::serve_stale_on_error() {
  if (!request_.stale) return false;
  const auto t = now();
  if (!may_serve_on_error(request_.head, request_.stale->of->fresh, request_.stale_softly_purged,
                          t.mono))
    return false;
  // A hard purge that came while the origin was being asked forbids it.
  if (home_.plane.purges.check(request_.stale->of->tags, request_.key, request_.began) ==
      cache::verdict::gone)
    return false;
  std::lock_guard lock(mutex_);
  stored_ = request_.stale;
  answer_ = request_.stale->of;
  return true;
}

// A successful unsafe request changed its URL (and those it names on the same host): RFC 9111 §4.4.
void fetch::invalidate() {
  auto& plane = home_.plane;
  plane.purge_key(request_.key, bus::purge_source::unsafe_method);
  for (const auto field : {http1::field::location, http1::field::content_location}) {
    const auto url = response_.get(field);
    if (url.empty()) continue;
    const auto& site = request_.site->config;
    const auto key = key_from_url(site.name, url, site.cache.key, request_.head.authority);
    std::string own_host;
    own_host.append("\n").append(to_lower(request_.head.authority)).append("/");
    if (key && key->find(own_host) != std::string::npos)
      plane.purge_key(*key, bus::purge_source::unsafe_method);
  }
}

void fetch::append(std::string_view bytes, bool flush) {
  if (phase() != fetch_phase::streamed)
    return;  // a confirmed or replaced answer's body is of no use
  buffer_.append(bytes, flush);
  if (measuring_) body_hash_.add(bytes);
  if (measuring_json_ && buffer_.size() <= most_measured_json) json_.feed(bytes);
  if (!answer_->store || buffer_.passing()) return;
  if (buffer_.size() > request_.site->config.limits.object)
    give_up_storing(cache_reason::too_large);
  else if (fill_bytes_in_flight().load(std::memory_order_relaxed) > home_.plane.fill_limit)
    give_up_storing(cache_reason::bypassed);
}

void fetch::give_up_storing(cache_reason reason) {
  lost_.store(reason, std::memory_order_relaxed);
  buffer_.set_passing();
  leave_flights();
  auto& plane = home_.plane;
  if (request_.collapsible && reason == cache_reason::too_large) {
    const auto t = now();
    const cache::tag_hash url = cache::url_tag_of(request_.key);
    (void)plane.store.put(plane.store.hash(request_.flight_key), request_.flight_key,
                          make_hit_for_miss(reason),
                          {hit_for_miss_ttl, {&url, 1}, plane.purges.seq()}, t);
  }
}

void fetch::remember_uncacheable() {
  if (!request_.collapsible || answer_->reason == cache_reason::bypassed) return;
  // What one client with credentials gets says nothing of the others' answer.
  if (request_.head.has(http1::field::cookie) || request_.head.has(http1::field::authorization))
    return;
  const auto t = now();
  const cache::tag_hash url = cache::url_tag_of(request_.key);
  auto& store = home_.plane.store;
  // A stale answer may still be wanted while the origin fails; a new one that cannot be kept ends it.
  if (request_.stale && response_.status >= 500) return;
  const auto hash = store.hash(request_.flight_key);
  // A marker of Vary that came meanwhile stays: it leads to answers that are good.
  const auto there = store.find(hash, request_.flight_key, t);
  if (there.value &&
      static_cast<const stored_response&>(*there.value).kind == stored_kind::vary_marker)
    return;
  (void)store.put(hash, request_.flight_key, make_hit_for_miss(answer_->reason),
                  {hit_for_miss_ttl, {&url, 1}, request_.began}, t);
}

void fetch::finish_body() {
  if (phase() != fetch_phase::streamed) return;
  if (answer_->store && !buffer_.passing()) lost_.store(store_answer(), std::memory_order_relaxed);
  buffer_.finish();
  leave_flights();
}

// The backend broke off: what came is no answer that could be kept.
void fetch::cut_body() {
  if (!buffer_.passing()) lost_.store(cache_reason::incomplete, std::memory_order_relaxed);
  buffer_.abort();
}

// Returns why it could not be stored, or `none`.
cache_reason fetch::store_answer() {
  auto& plane = home_.plane;
  buffer_.seal();
  auto bodies = buffer_.take_bodies();
  auto made = std::make_shared<answer>(*answer_);
  made->fresh.fill_time = times_.response_received.mono - times_.request_sent.mono;
  if (made->head.etag.empty() && made->head.status == 200) {
    made->head.etag = make_etag(buffer_.content_hash());
    made->head.etag_made = true;
    made->fresh.has_validator = made->fresh.has_validator || made->head.last_modified.has_value();
  }
  std::array<representation, compress::coding_count> codings;
  for (std::size_t c = 0; c < codings.size(); ++c)
    if (bodies[c] && (c == 0 || bodies[c]->size() < bodies[0]->size())) codings[c].body = bodies[c];
  if (codings[0].body->size() < request_.site->config.compression.min_size)
    made->compressible = false;
  for (std::size_t c = 1; c < bodies.size() && made->compressible; ++c)
    if (bodies[c] && bodies[c]->size() < codings[0].body->size())
      codings[c].body = std::move(bodies[c]);
  const auto t = now();
  const auto ttl = keep_for(made->fresh, t.mono);
  auto key = request_.key;
  if (!made->vary.empty()) {
    vary_spec spec = made->vary;
    const auto h = plane.store.hash(request_.key);
    if (auto old = plane.store.find(h, request_.key, t); old.value) {
      const auto& marker = static_cast<const stored_response&>(*old.value);
      if (marker.kind == stored_kind::vary_marker) (void)merge(spec, marker.of->vary);
    }
    if (spec.star) return cache_reason::vary_star;  // more names than a key takes
    const cache::tag_hash url = cache::url_tag_of(request_.key);
    append_variant(key, spec, request_.head, request_.route->compression);
    (void)plane.store.put(h, request_.key, make_vary_marker(std::move(spec)),
                          {std::max(ttl, marker_ttl_least), {&url, 1}, plane.purges.seq()}, t);
  }
  const auto did =
      plane.store.put(plane.store.hash(key), key, make_stored(made, std::move(codings)),
                      {ttl, made->tags, request_.began}, t);
  return reason_of(did);
}

void flight_table::leave(std::uint64_t hash, const std::string& key, const fetch* which) {
  auto& s = shards_[hash % shard_count];
  std::shared_ptr<fetch> last;
  std::lock_guard lock(s.mutex);
  const auto it = s.map.find(key);
  if (it == s.map.end() || it->second.get() != which) return;
  last = std::move(it->second);
  s.map.erase(it);
}

std::size_t flight_table::size() const {
  std::size_t n = 0;
  for (const auto& s : shards_) {
    std::lock_guard lock(s.mutex);
    n += s.map.size();
  }
  return n;
}

}  // namespace fairing::http
