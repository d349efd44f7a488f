// A request and an answer made of one input: judging, storing, varying and updating never fail, and what must not be
// kept is not.
#include "codec/http1/parser.hpp"
#include "fuzz/support.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/conditional.hpp"
#include "http/logic/request_key.hpp"
#include "http/logic/stored_head.hpp"
#include "http/logic/trace_context.hpp"
#include "http/logic/validation.hpp"
#include "http/logic/vary.hpp"

using namespace fairing;
using namespace fairing::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto cut = text.find('\0');
  if (cut == std::string_view::npos) return 0;
  http1::request_head request;
  http1::response_head response;
  http1::head_parser parser;
  if (parser.parse_request(text.substr(0, cut), request) != http1::parse_status::complete) return 0;
  parser.reset();
  if (parser.parse_response(text.substr(cut + 1), request.method, response) !=
      http1::parse_status::complete)
    return 0;
  static const route_cache_config route;
  const cache_rules rules{.heuristic = true, .route = &route};
  const manual_clock clock;
  const exchange_times times{clock.now(), clock.now()};
  const auto judged = judge_response(request, response, rules, times, 0.5);
  const auto plain = parse_response_directives(response);
  const bool cdn = parse_cdn_directives(response).present;
  if (judged.store && !cdn)
    fuzz::require(!plain.no_store && !plain.is_private, "no-store and private are kept out");
  const auto stored = build_stored_head(response, plain, clock.now().wall);
  fuzz::require(stored.text.find("\r\n\r\n") == std::string::npos,
                "a stored head has no blank line");
  fuzz::require(stored.text.find("\nSet-Cookie:") == std::string::npos, "no cookie is stored");
  (void)update_from_304(stored, response, plain, clock.now().wall);
  (void)evaluate(request, stored.validators());
  (void)judge_hit(request, judged.freshness, false, true, clock.now().mono, 0.5);
  (void)parse_traceparent(text);
  (void)extract_tags(response);
  std::string key;
  make_key(key, "site", request, key_config{.drop_query = {"utm_*"}, .sort_query = true});
  append_variant(key, parse_vary(response), request, false);
  return 0;
}
