// cache_policy: what RFC 9111 (and 5861, 9213, and the safe defaults) says of one answer and of one
// request.
//
// Problem: whether an answer may be stored, for how long it is fresh, and whether a stored one may
// be given to this request, decided from values alone: no sockets, no store, time passed in.
//
// Flow of a miss:  storable = judge_response(request, response, rules, now)
//                  -> store with storable.freshness, or pass on with storable.reason in
//                  Cache-Status
// Flow of a hit:   use = judge_hit(request, freshness, now) -> serve | serve stale | revalidate |
// gateway timeout Flow of a 304:   update_from_304 in validation.hpp
//
// Cookies and credentials: an answer is shared with a request that bears Cookie (Authorization)
// only where it says so (freshness::cookie_ok, authorization_ok); that holds for filling and for
// answering, so a page made for nobody is not given to somebody unless the origin confirms it (a
// 304 to that request's own validation). Set-Cookie: an answer that sets a cookie is stored only if
// it names the field in no-cache="set-cookie" or private="set-cookie", and then without the field
// (stored_head), which goes to the client that caused the fill and to no other. `public` is not
// enough: frameworks add it and the session's cookie in different places, and the body may hold
// what belongs to that cookie (a form's token).
//
// Cost: judge_request and judge_hit allocate nothing and pass once over the request's fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"
#include "http/logic/site_config.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

// Cache-Control of a request (RFC 9111 §5.2.1). Unknown directives are ignored; of duplicates the
// stricter counts.
struct request_directives {
  bool no_cache = false;  // also Pragma: no-cache where there is no Cache-Control
  bool no_store = false;
  bool no_transform = false;
  bool only_if_cached = false;
  std::optional<seconds> max_age;
  std::optional<seconds> min_fresh;
  std::optional<seconds> max_stale;  // seconds::max() for a bare max-stale
  std::optional<seconds> stale_if_error;
};
[[nodiscard]] request_directives parse_request_directives(const http1::request_head& head);

// Cache-Control, or what is said to caches like this one only, of an answer: CDN-Cache-Control (a
// structured field; if it does not parse it is ignored), else Surrogate-Control.
struct response_directives {
  bool present = false;
  bool no_store = false;
  bool no_cache = false;                     // unqualified
  std::vector<std::string> no_cache_fields;  // lower case
  bool is_private = false;                   // unqualified
  std::vector<std::string> private_fields;   // lower case
  bool is_public = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool no_transform = false;
  bool immutable = false;
  std::optional<seconds> max_age;
  std::optional<seconds> s_maxage;
  std::optional<seconds> stale_while_revalidate;
  std::optional<seconds> stale_if_error;
};
[[nodiscard]] response_directives parse_response_directives(const http1::response_head& head);
[[nodiscard]] response_directives parse_cdn_directives(const http1::response_head& head);
// Surrogate-Control (W3C Note "Edge Architecture", 2001): `present` only if it says something about
// storing (`content="ESI/1.0"` alone does not) to all surrogates or to the one named `fairing`.
[[nodiscard]] response_directives parse_surrogate_directives(const http1::response_head& head);

// The rules that apply to one request, picked from its route and site.
struct cache_rules {
  rule_mode mode = rule_mode::on;
  bool heuristic = false;
  bool cdn_cache_control = true;
  const route_cache_config* route =
      nullptr;  // never null when judging; a site without routes has a default
};

// Why an answer is not stored, or a request not answered from the cache. Each is one word of
// Cache-Status `detail`.
enum class cache_reason : std::uint8_t {
  none,
  method,            // not GET or HEAD, and not made cacheable
  mode_off,          // the route or site has the cache off (or observes only)
  request_no_store,  // the request says no-store
  range_request,     // a 206, or an answer to a Range request, is not stored
  status,            // this status needs explicit freshness, or is never stored
  no_store,          // the answer says no-store
  is_private,        // the answer says private
  authorization,     // the request has Authorization and the answer neither public, s-maxage nor
                     // must-revalidate
  cookie,  // the request has Cookie and the answer neither public nor s-maxage, nor does the route
           // say so
  set_cookie,        // the answer sets a cookie
  no_freshness,      // nothing says how long: no explicit lifetime, heuristics off, no route ttl
  expired,           // born stale and without a validator
  vary_star,         // Vary: *
  must_understand,   // must-understand with a status that Fairing does not know
  too_large,         // over limits.object
  incomplete,        // the origin broke off
  purged_meanwhile,  // a purge came while the answer was being fetched
  hit_for_miss,      // remembered as uncacheable for some seconds
  bypassed,          // `fairing bypass` or memory budget
  upgrade,           // not an exchange that a cache can hold
  ambiguous,  // the backend may read the request otherwise: dot segments, Connection naming other
              // fields
};
[[nodiscard]] std::string_view to_string(
    cache_reason r) noexcept;  // "request-no-store", "no-freshness", ...

// How long and how a stored answer may be used. All the state that judge_hit needs; kept in the
// entry.
struct freshness {
  mono_time stored{};            // when the answer's head arrived
  seconds initial_age{0};        // corrected_initial_age (RFC 9111 §4.2.3)
  milliseconds lifetime{0};      // freshness lifetime, jitter already taken
  milliseconds swr{0};           // stale-while-revalidate window after it
  milliseconds sie{0};           // stale-if-error window after it
  milliseconds fill_time{0};     // how long the origin took: XFetch's delta
  float early_refresh_beta = 0;  // 0: no early refresh (explicit must-revalidate, or turned off)
  bool no_cache = false;         // always revalidate
  bool must_revalidate = false;  // never stale (must-revalidate, proxy-revalidate, s-maxage)
  bool has_validator = false;    // ETag or Last-Modified: worth keeping past its freshness
  bool cookie_ok =
      false;  // public, s-maxage or the route: may answer a request with Cookie unasked
  bool authorization_ok =
      false;  // public, s-maxage, must-revalidate: may answer one with Authorization
};

[[nodiscard]] inline milliseconds current_age(const freshness& f, mono_time now) noexcept {
  return f.initial_age + (now - f.stored);
}
// How long the store keeps it: freshness, the longer stale window, and a time to revalidate in.
[[nodiscard]] milliseconds keep_for(const freshness& f, mono_time now) noexcept;

struct response_judgement {
  bool store = false;
  cache_reason reason = cache_reason::none;
  http::freshness freshness;
};

struct exchange_times {
  instant request_sent;
  instant response_received;
};

// `random` is uniform in [0,1): for the downward jitter of route TTLs.
[[nodiscard]] response_judgement judge_response(const http1::request_head& request,
                                                const http1::response_head& response,
                                                const cache_rules& rules, exchange_times times,
                                                double random);

// May this request be looked up at all (and a fill be shared)? none if so.
[[nodiscard]] cache_reason judge_request(const http1::request_head& request,
                                         const cache_rules& rules);

enum class hit_use : std::uint8_t {
  serve,          // fresh
  serve_refresh,  // fresh, but refresh early in the background (XFetch)
  serve_stale,    // stale inside stale-while-revalidate (or the client's max-stale): refresh in the
                  // background
  revalidate,     // ask the origin first (conditionally if it has a validator)
  unsatisfiable,  // only-if-cached and not usable: 504
};
struct hit_judgement {
  hit_use use = hit_use::revalidate;
  // A fresh one is there, but this request may not have it unasked: because of its no-cache, max-age
  // or min-fresh, or of its credentials (`refused` then says which).
  bool request_forced = false;
  cache_reason refused = cache_reason::none;  // authorization, cookie
};
// What is left of the freshness as Cache-Status says it: negative for one that is stale, also if a
// soft purge made it so before its time.
[[nodiscard]] seconds ttl_of(const freshness& f, bool softly_purged, mono_time now) noexcept;
// `softly_purged` makes it stale now. `random` in (0,1] for XFetch.
[[nodiscard]] hit_judgement judge_hit(const http1::request_head& request, const freshness& f,
                                      bool softly_purged, bool honour_request_no_cache,
                                      mono_time now, double random) noexcept;
// The origin failed (5xx 500,502,503,504, no connection, timeout): may the stale one be served
// instead?
[[nodiscard]] bool may_serve_on_error(const http1::request_head& request, const freshness& f,
                                      bool softly_purged, mono_time now) noexcept;

// Does a successful (2xx, 3xx) answer to this method invalidate its URL (RFC 9111 §4.4)?
[[nodiscard]] bool invalidates(http1::method m, std::uint16_t status) noexcept;

}  // namespace fairing::http
