#include "http/logic/cache_policy.hpp"

#include <algorithm>

#include "codec/http1/date.hpp"
#include "http/logic/directives.hpp"
#include "http/logic/vary.hpp"

namespace fairing::http {
namespace {

constexpr seconds heuristic_max{24 * 60 * 60};
constexpr milliseconds revalidate_min = std::chrono::minutes{10};
constexpr milliseconds revalidate_max = std::chrono::hours{24};

// RFC 9110 §15.1 (206 is handled apart).
bool heuristically_cacheable(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
      return true;
    default:
      return false;
  }
}

// What a route's ttl is for: answers that carry what was asked for.
bool ttl_applies(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
      return true;
    default:
      return false;
  }
}

bool negative(std::uint16_t status) noexcept {
  return status == 404 || status == 410 || (status >= 500 && status <= 599);
}

// Statuses whose caching requirements Fairing knows (for must-understand).
bool understood(std::uint16_t status) noexcept {
  switch (status) {
    case 302:
    case 303:
    case 307:
    case 400:
    case 401:
    case 403:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return heuristically_cacheable(status);
  }
}

struct facts {
  response_directives cc;  // the ones that count: CDN-Cache-Control's where it is present and valid
  bool targeted = false;   // they come from CDN-Cache-Control
  bool explicit_ = false;  // an explicit lifetime was said
  bool age_malformed = false;
  seconds age{0};  // of the Age field
  seconds explicit_lifetime{0};
  wall_time date{};  // the answer's, else when it arrived
};

// Age is one line with one number. A list or a repetition says that someone on the way is confused:
// such an answer is taken for stale, which is always safe (RFC 9111 §5.1 lets us choose; §4.2.4).
void read_age(const http1::response_head& response, facts& f) noexcept {
  bool seen = false;
  for (const auto& h : response.headers) {
    if (h.id != http1::field::age) continue;
    const auto value = parse_delta(h.value);
    f.age_malformed |= seen || !value;
    f.age = std::max(f.age, value.value_or(seconds{0}));
    seen = true;
  }
}

// RFC 9111 §5.3: an Expires that is no date, or that differs from another one, is in the past.
std::optional<seconds> expires_lifetime(const http1::response_head& response,
                                        wall_time date) noexcept {
  std::optional<seconds> lifetime;
  for (const auto& h : response.headers) {
    if (h.id != http1::field::expires) continue;
    const auto at = http1::parse_date(h.value);
    keep_smaller(lifetime, at ? std::max(*at - date, seconds{0}) : seconds{0});
  }
  return lifetime;
}

facts gather(const http1::response_head& response, const cache_rules& rules, exchange_times times) {
  facts f;
  if (rules.cdn_cache_control) {
    f.cc = parse_cdn_directives(response);
    f.targeted = f.cc.present;
  }
  if (!f.targeted) f.cc = parse_response_directives(response);
  read_age(response, f);
  f.date =
      http1::parse_date(response.get(http1::field::date)).value_or(times.response_received.wall);

  std::optional<seconds> lifetime = f.cc.s_maxage ? f.cc.s_maxage : f.cc.max_age;
  if (!lifetime && !f.targeted) lifetime = expires_lifetime(response, f.date);
  f.explicit_ = lifetime.has_value();
  f.explicit_lifetime = std::min(lifetime.value_or(seconds{0}), delta_max);
  if (f.age_malformed) f.explicit_lifetime = seconds{0};
  return f;
}

bool names_set_cookie(const response_directives& cc) {
  const auto in = [](const std::vector<std::string>& v) {
    return std::ranges::find(v, "set-cookie") != v.end();
  };
  return in(cc.no_cache_fields) || in(cc.private_fields);
}

// Everything that forbids storing, whatever the lifetime.
cache_reason forbidden(const http1::request_head& request, const http1::response_head& response,
                       const facts& f, const freshness& use) {
  const auto& cc = f.cc;
  if (response.status < 200 || response.status == 304 || response.status == 416 ||
      response.status > 599)
    return cache_reason::status;
  if (response.status == 206 || (request.has(http1::field::range) && response.status != 200))
    return cache_reason::range_request;
  if (cc.must_understand && !understood(response.status)) return cache_reason::must_understand;
  // RFC 9111 §5.2.2.3: with must-understand, no-store is for caches that do not understand the
  // status.
  if (cc.no_store && !cc.must_understand) return cache_reason::no_store;
  if (cc.is_private) return cache_reason::is_private;
  for (const auto& h : response.headers)
    if (h.id == http1::field::vary && parse_vary_line_has_star(h.value))
      return cache_reason::vary_star;
  if (request.has(http1::field::authorization) && !use.authorization_ok)
    return cache_reason::authorization;
  if (request.has(http1::field::cookie) && !use.cookie_ok) return cache_reason::cookie;
  if (response.has(http1::field::set_cookie) && !names_set_cookie(cc))
    return cache_reason::set_cookie;
  return cache_reason::none;
}

milliseconds jittered(milliseconds ttl, double jitter, double random) noexcept {
  const double cut = std::clamp(jitter, 0.0, 1.0) * std::clamp(random, 0.0, 1.0);
  ttl = std::clamp(ttl, milliseconds{0}, milliseconds{delta_max});
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(ttl.count()) * (1.0 - cut))};
}

// The lifetime by order of precedence: the route's overriding ttl, the answer's explicit one, the
// route's ttl or negative ttl, the heuristic. nullopt: nothing says.
std::optional<milliseconds> lifetime_of(const http1::response_head& response, const facts& f,
                                        const cache_rules& rules, seconds initial_age,
                                        double random) {
  const auto& route = *rules.route;
  const auto status = response.status;
  // A route's ttl counts from the answer's arrival, not from the age it came with.
  const auto by_route = [&](milliseconds ttl) {
    return milliseconds{initial_age} + jittered(ttl, route.jitter, random);
  };
  if (route.ttl && route.override_ttl && ttl_applies(status)) return by_route(*route.ttl);
  if (f.explicit_) return milliseconds{f.explicit_lifetime};
  if (route.ttl && ttl_applies(status)) return by_route(*route.ttl);
  if (route.negative_ttl && negative(status)) return by_route(*route.negative_ttl);
  if (!rules.heuristic || !(heuristically_cacheable(status) || f.cc.is_public)) return std::nullopt;
  const auto modified = http1::parse_date(response.get(http1::field::last_modified));
  if (!modified || *modified >= f.date) return std::nullopt;
  if (f.age_malformed) return milliseconds{0};
  return std::min(milliseconds{f.date - *modified} / 10, milliseconds{heuristic_max});
}

// The windows in which stale may be served. must-revalidate, proxy-revalidate and no-cache forbid
// it; s-maxage forbids it too (RFC 9111 §5.2.2.10) unless the same answer states a window itself.
void set_windows(const facts& f, const route_cache_config& route, freshness& out) {
  const auto& cc = f.cc;
  if (cc.must_revalidate || cc.proxy_revalidate || out.no_cache || f.age_malformed) return;
  const auto pick = [&](const std::optional<seconds>& said,
                        const std::optional<milliseconds>& by_route) {
    if (said) return milliseconds{*said};
    if (cc.s_maxage || !by_route) return milliseconds{0};
    return std::clamp(*by_route, milliseconds{0}, milliseconds{delta_max});
  };
  out.swr = pick(cc.stale_while_revalidate, route.stale_while_revalidate);
  out.sie = pick(cc.stale_if_error, route.stale_if_error);
}

}  // namespace

milliseconds keep_for(const freshness& f, mono_time now) noexcept {
  milliseconds past_freshness = std::max(f.swr, f.sie);
  if (f.has_validator)
    past_freshness =
        std::max(past_freshness, std::clamp(f.lifetime, revalidate_min, revalidate_max));
  return std::max(f.lifetime + past_freshness - current_age(f, now), milliseconds{0});
}

response_judgement judge_response(const http1::request_head& request,
                                  const http1::response_head& response, const cache_rules& rules,
                                  exchange_times times, double random) {
  const auto no = [](cache_reason r) { return response_judgement{false, r, {}}; };
  if (request.upgrade) return no(cache_reason::upgrade);
  if (request.method != http1::method::get || request.body != http1::body_kind::none)
    return no(cache_reason::method);
  if (parse_request_directives(request).no_store) return no(cache_reason::request_no_store);

  const facts f = gather(response, rules, times);
  const auto& cc = f.cc;
  response_judgement out;
  auto& use = out.freshness;
  use.authorization_ok = cc.is_public || cc.s_maxage || cc.must_revalidate;
  use.cookie_ok = cc.is_public || cc.s_maxage || rules.route->share_with_cookie;
  if (const auto r = forbidden(request, response, f, use); r != cache_reason::none) return no(r);

  // RFC 9111 §4.2.3
  const auto apparent_age = std::max(times.response_received.wall - f.date, seconds{0});
  const auto delay =
      std::max(times.response_received.mono - times.request_sent.mono, milliseconds{0});
  use.initial_age = std::min(
      std::max(apparent_age, f.age + std::chrono::duration_cast<seconds>(delay)), delta_max);
  use.stored = times.response_received.mono;
  use.fill_time = delay;
  use.no_cache = cc.no_cache;
  use.must_revalidate = cc.must_revalidate || cc.proxy_revalidate || cc.s_maxage;
  use.has_validator = response.has(http1::field::etag) || response.has(http1::field::last_modified);

  auto lifetime = lifetime_of(response, f, rules, use.initial_age, random);
  if (!lifetime && cc.no_cache)
    lifetime = milliseconds{0};  // no-cache says it: stored, always asked about
  if (!lifetime)
    return no(ttl_applies(response.status) || heuristically_cacheable(response.status)
                  ? cache_reason::no_freshness
                  : cache_reason::status);
  use.lifetime = *lifetime;
  set_windows(f, *rules.route, use);
  if (!use.no_cache && !cc.must_revalidate)
    use.early_refresh_beta = static_cast<float>(rules.route->early_refresh_beta);

  const bool stale_at_birth = use.no_cache || use.lifetime <= milliseconds{use.initial_age};
  if (stale_at_birth && !use.has_validator && keep_for(use, use.stored) <= milliseconds{0})
    return no(cache_reason::expired);
  if (use.no_cache && !use.has_validator) return no(cache_reason::expired);
  out.store = rules.mode == rule_mode::on;
  if (!out.store) out.reason = cache_reason::mode_off;
  return out;
}

}  // namespace fairing::http
