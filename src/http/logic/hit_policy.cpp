// The request's side of cache_policy.hpp: everything here runs on every hit and allocates nothing.
#include <algorithm>
#include <cmath>

#include "http/logic/cache_policy.hpp"
#include "http/logic/directives.hpp"
#include "http/logic/fields.hpp"
#include "http/logic/request_key.hpp"

namespace fairing::http {
namespace {

// What a hit has to know of the request.
struct request_facts {
  request_directives cc;
  bool cookie = false;
  bool authorization = false;
};

request_facts gather(const http1::request_head& request) noexcept {
  request_facts f;
  f.cookie = request.has(http1::field::cookie);
  f.authorization = request.has(http1::field::authorization);
  if (request.has(http1::field::cache_control) || request.has(http1::field::pragma))
    f.cc = parse_request_directives(request);
  return f;
}

// Which of the request's credentials keep a shared answer from it.
cache_reason refusal(const request_facts& request, const freshness& f) noexcept {
  if (request.authorization && !f.authorization_ok) return cache_reason::authorization;
  if (request.cookie && !f.cookie_ok) return cache_reason::cookie;
  return cache_reason::none;
}

milliseconds to_ms(seconds s) noexcept { return milliseconds{std::min(s, delta_max)}; }

// XFetch (Vattani et al., VLDB 2015): refresh when now - delta * beta * ln(random) reaches the
// expiry.
bool refresh_early(const freshness& f, milliseconds left, double random) noexcept {
  if (f.early_refresh_beta <= 0) return false;
  const double reach = static_cast<double>(f.fill_time.count()) * f.early_refresh_beta;
  const auto left_ms = static_cast<double>(left.count());
  if (left_ms > reach * 40) return false;  // -ln(2^-53) < 37: no need of a logarithm
  return left_ms <= -reach * std::log(std::clamp(random, 1e-16, 1.0));
}

}  // namespace

cache_reason judge_request(const http1::request_head& request, const cache_rules& rules) {
  if (request.upgrade) return cache_reason::upgrade;
  if (request.method != http1::method::get && request.method != http1::method::head)
    return cache_reason::method;
  // The body is no part of the key, so an answer to it must not be shared.
  if (request.body != http1::body_kind::none) return cache_reason::method;
  if (rules.mode != rule_mode::on) return cache_reason::mode_off;
  if (!request.plain_path && has_dot_segments(request.path)) return cache_reason::ambiguous;
  // Connection: x-foo makes the backend see a request without X-Foo, the key and Vary one with it.
  if (connection_names_fields(request)) return cache_reason::ambiguous;
  if (request.has(http1::field::cache_control) && parse_request_directives(request).no_store)
    return cache_reason::request_no_store;
  return cache_reason::none;
}

hit_judgement judge_hit(const http1::request_head& request, const freshness& f, bool softly_purged,
                        bool honour_request_no_cache, mono_time now, double random) noexcept {
  const auto r = gather(request);
  const auto ask = [&](bool forced) {
    return hit_judgement{r.cc.only_if_cached ? hit_use::unsatisfiable : hit_use::revalidate,
                         forced};
  };
  if (f.no_cache) return ask(false);

  const auto age = std::max(current_age(f, now), milliseconds{0});
  const auto left = softly_purged ? milliseconds{0} : f.lifetime - age;
  if (const auto refused = refusal(r, f); refused != cache_reason::none) {
    auto asked = ask(left > milliseconds{0});
    asked.refused = refused;
    return asked;
  }
  if (honour_request_no_cache) {
    const auto& cc = r.cc;
    if (cc.no_cache) return ask(true);
    if (cc.max_age && (cc.max_age->count() == 0 || age > to_ms(*cc.max_age))) return ask(true);
    if (cc.min_fresh && left < to_ms(*cc.min_fresh)) return ask(true);
  }
  if (left > milliseconds{0})
    return {refresh_early(f, left, random) ? hit_use::serve_refresh : hit_use::serve, false};

  const auto stale_for = std::max(age - f.lifetime, milliseconds{0});
  if (stale_for < f.swr) return {hit_use::serve_stale, false};
  // A purge is the origin's word that it changed: the client's patience does not outweigh that.
  if (r.cc.max_stale && !f.must_revalidate && !softly_purged && stale_for <= to_ms(*r.cc.max_stale))
    return {hit_use::serve_stale, false};
  return ask(false);
}

seconds ttl_of(const freshness& f, bool softly_purged, mono_time now) noexcept {
  const auto left = std::chrono::floor<seconds>(f.lifetime - current_age(f, now));
  return softly_purged ? std::min(left, seconds{-1}) : left;
}

bool may_serve_on_error(const http1::request_head& request, const freshness& f, bool softly_purged,
                        mono_time now) noexcept {
  const auto r = gather(request);
  if (f.no_cache || refusal(r, f) != cache_reason::none) return false;
  const auto age = std::max(current_age(f, now), milliseconds{0});
  const auto stale_for = std::max(age - f.lifetime, milliseconds{0});
  // Still fresh (the request forced the question, or a soft purge did): fresh needs no window of
  // its own unless it was purged, and then some window must have been stated.
  if (age < f.lifetime) return !softly_purged || f.sie > milliseconds{0};
  if (stale_for <= f.sie && f.sie > milliseconds{0}) return true;
  return !f.must_revalidate && !softly_purged && r.cc.stale_if_error &&
         stale_for <= to_ms(*r.cc.stale_if_error);
}

}  // namespace fairing::http
