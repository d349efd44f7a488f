#include "http/logic/conditional.hpp"

#include "codec/http1/date.hpp"

namespace fairing::http {
namespace {

bool is_weak(std::string_view etag) noexcept { return etag.starts_with("W/"); }
std::string_view opaque(std::string_view etag) noexcept {
  return is_weak(etag) ? etag.substr(2) : etag;
}

struct conditions {
  bool if_match = false;
  bool if_none_match = false;
  bool matches = false;       // some If-Match member matches strongly, or `*`
  bool none_matches = false;  // some If-None-Match member matches weakly, or `*`
  const http1::header* modified_since = nullptr;
  const http1::header* unmodified_since = nullptr;
};

conditions read(const http1::request_head& request, const validators& stored) noexcept {
  conditions c;
  for (const auto& h : request.headers) {
    switch (h.id) {
      case http1::field::if_match:
        c.if_match = true;
        for_each_list_element(h.value, [&](std::string_view tag) {
          c.matches |= tag == "*" || strong_equal(tag, stored.etag);
        });
        break;
      case http1::field::if_none_match:
        c.if_none_match = true;
        for_each_list_element(h.value, [&](std::string_view tag) {
          c.none_matches |= tag == "*" || weak_equal(tag, stored.etag);
        });
        break;
      case http1::field::if_modified_since:
        c.modified_since = &h;
        break;
      case http1::field::if_unmodified_since:
        c.unmodified_since = &h;
        break;
      default:
        break;
    }
  }
  return c;
}

}  // namespace

bool weak_equal(std::string_view a, std::string_view b) noexcept {
  return !a.empty() && !b.empty() && opaque(a) == opaque(b);
}

bool strong_equal(std::string_view a, std::string_view b) noexcept {
  return !a.empty() && !is_weak(a) && !is_weak(b) && a == b;
}

precondition evaluate(const http1::request_head& request, const validators& stored) noexcept {
  const auto c = read(request, stored);
  const bool safe = request.method == http1::method::get || request.method == http1::method::head;
  // RFC 9110 §13.2.2, steps 1 to 4. A date that does not parse is no condition.
  if (c.if_match) {
    if (!c.matches) return precondition::precondition_failed;
  } else if (c.unmodified_since && stored.last_modified) {
    const auto at = http1::parse_date(c.unmodified_since->value);
    if (at && *stored.last_modified > *at) return precondition::precondition_failed;
  }
  if (c.if_none_match) {
    if (c.none_matches)
      return safe ? precondition::not_modified : precondition::precondition_failed;
  } else if (c.modified_since && safe) {
    const auto changed = stored.last_modified ? stored.last_modified : stored.date;
    const auto at = http1::parse_date(c.modified_since->value);
    if (at && changed && *changed <= *at) return precondition::not_modified;
  }
  return precondition::proceed;
}

bool if_range_holds(const http1::request_head& request, const validators& stored) noexcept {
  const auto* h = request.find(http1::field::if_range);
  if (!h) return true;
  if (h->value.starts_with('"') || h->value.starts_with("W/"))
    return strong_equal(h->value, stored.etag);
  const auto at = http1::parse_date(h->value);
  return at && stored.last_modified && *at == *stored.last_modified && stored.date &&
         *stored.date - *stored.last_modified >= seconds{60};
}

bool is_conditional(const http1::request_head& request) noexcept {
  using enum http1::field;
  return request.has(if_match) || request.has(if_none_match) || request.has(if_modified_since) ||
         request.has(if_unmodified_since) || request.has(if_range);
}

}  // namespace fairing::http
