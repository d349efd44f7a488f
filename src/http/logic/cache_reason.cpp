// The small fixed answers of cache_policy.hpp: names of reasons, methods that invalidate.
#include "http/logic/cache_policy.hpp"

namespace fairing::http {

bool invalidates(http1::method m, std::uint16_t status) noexcept {
  if (status < 200 || status > 399) return false;
  switch (m) {
    case http1::method::get:
    case http1::method::head:
    case http1::method::options:
    case http1::method::trace:
    case http1::method::connect:
    case http1::method::purge:  // answered by Fairing itself
      return false;
    default:
      return true;
  }
}

std::string_view to_string(cache_reason r) noexcept {
  switch (r) {
    case cache_reason::none:
      return "none";
    case cache_reason::method:
      return "method";
    case cache_reason::mode_off:
      return "mode-off";
    case cache_reason::request_no_store:
      return "request-no-store";
    case cache_reason::range_request:
      return "range-request";
    case cache_reason::status:
      return "status";
    case cache_reason::no_store:
      return "no-store";
    case cache_reason::is_private:
      return "private";
    case cache_reason::authorization:
      return "authorization";
    case cache_reason::cookie:
      return "cookie";
    case cache_reason::set_cookie:
      return "set-cookie";
    case cache_reason::no_freshness:
      return "no-freshness";
    case cache_reason::expired:
      return "expired";
    case cache_reason::vary_star:
      return "vary-star";
    case cache_reason::must_understand:
      return "must-understand";
    case cache_reason::too_large:
      return "too-large";
    case cache_reason::incomplete:
      return "incomplete";
    case cache_reason::purged_meanwhile:
      return "purged-meanwhile";
    case cache_reason::hit_for_miss:
      return "hit-for-miss";
    case cache_reason::bypassed:
      return "bypassed";
    case cache_reason::upgrade:
      return "upgrade";
    case cache_reason::ambiguous:
      return "ambiguous";
  }
  return "unknown";
}

}  // namespace fairing::http
