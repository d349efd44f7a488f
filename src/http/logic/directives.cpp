#include "http/logic/directives.hpp"

#include <algorithm>

#include "http/logic/cache_policy.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

// A quoted string without its quotes (escapes kept: no directive known here needs one); nullopt if
// it is no complete quoted string.
std::optional<std::string_view> unquote(std::string_view text) noexcept {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  return text.substr(1, text.size() - 2);
}

struct directive {
  std::string_view name;
  std::string_view argument;
  bool has_argument = false;
};

directive split(std::string_view element) noexcept {
  const auto equals = element.find('=');
  if (equals == std::string_view::npos) return {element, {}, false};
  return {element.substr(0, equals), element.substr(equals + 1), true};
}

void apply_fields(const directive& d, bool& whole, std::vector<std::string>& fields) {
  // A list that does not parse, or is empty, is read as the directive without a list: the stricter.
  const auto list = d.has_argument ? unquote(d.argument) : std::nullopt;
  const bool token = d.has_argument && !list && !d.argument.empty() && d.argument.front() != '"';
  if (token ? !add_field_names(fields, d.argument) : !list || !add_field_names(fields, *list))
    whole = true;
}

void apply(const directive& d, response_directives& out) {
  const auto is = [&](std::string_view name) { return iequals(d.name, name); };
  const auto delta = [&] { return parse_delta_argument(d.argument); };
  if (is("max-age")) {
    keep_smaller(out.max_age, delta().value_or(seconds{0}));
  } else if (is("s-maxage")) {
    keep_smaller(out.s_maxage, delta().value_or(seconds{0}));
  } else if (is("stale-while-revalidate")) {
    keep_smaller(out.stale_while_revalidate, delta().value_or(seconds{0}));
  } else if (is("stale-if-error")) {
    keep_smaller(out.stale_if_error, delta().value_or(seconds{0}));
  } else if (is("no-store")) {
    out.no_store = true;
  } else if (is("no-cache")) {
    apply_fields(d, out.no_cache, out.no_cache_fields);
  } else if (is("private")) {
    apply_fields(d, out.is_private, out.private_fields);
  } else if (is("public")) {
    out.is_public = true;
  } else if (is("must-revalidate")) {
    out.must_revalidate = true;
  } else if (is("proxy-revalidate")) {
    out.proxy_revalidate = true;
  } else if (is("must-understand")) {
    out.must_understand = true;
  } else if (is("no-transform")) {
    out.no_transform = true;
  } else if (is("immutable")) {
    out.immutable = true;
  }
}

void apply(const directive& d, request_directives& out) noexcept {
  const auto is = [&](std::string_view name) { return iequals(d.name, name); };
  const auto delta = [&] { return parse_delta_argument(d.argument); };
  if (is("no-cache")) {
    out.no_cache = true;
  } else if (is("no-store")) {
    out.no_store = true;
  } else if (is("no-transform")) {
    out.no_transform = true;
  } else if (is("only-if-cached")) {
    out.only_if_cached = true;
  } else if (is("max-age")) {
    keep_smaller(out.max_age, delta().value_or(seconds{0}));
  } else if (is("min-fresh")) {
    // The stricter is the larger; one that does not parse asks for nothing.
    if (const auto v = delta()) out.min_fresh = std::max(out.min_fresh.value_or(*v), *v);
  } else if (is("max-stale")) {
    if (!d.has_argument) {
      keep_smaller(out.max_stale, seconds::max());
    } else {
      keep_smaller(out.max_stale, delta().value_or(seconds{0}));
    }
  } else if (is("stale-if-error")) {
    keep_smaller(out.stale_if_error, delta().value_or(seconds{0}));
  }
}

// "max-age=3600+600": fresh for 3600 s, then for 600 s stale while it is revalidated.
void apply_surrogate(directive d, response_directives& out) {
  const auto plus = d.argument.find('+');
  if (iequals(d.name, "max-age") && plus != std::string_view::npos) {
    keep_smaller(out.stale_while_revalidate,
                 parse_delta(d.argument.substr(plus + 1)).value_or(seconds{0}));
    d.argument = d.argument.substr(0, plus);
  }
  apply(d, out);
}

}  // namespace

std::optional<seconds> parse_delta(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min<std::int64_t>(value * 10 + (c - '0'), delta_max.count());
  }
  return seconds{value};
}

std::optional<seconds> parse_delta_argument(std::string_view text) noexcept {
  return parse_delta(unquote(text).value_or(text));
}

void keep_smaller(std::optional<seconds>& slot, seconds value) noexcept {
  if (!slot || value < *slot) slot = value;
}

bool add_field_names(std::vector<std::string>& out, std::string_view list) {
  const auto before = out.size();
  bool good = true;
  for_each_list_element(list, [&](std::string_view name) {
    good = good && std::ranges::all_of(name, is_token_char);
    if (good) out.push_back(to_lower(name));
  });
  if (!good) out.resize(before);
  return good && out.size() > before;
}

request_directives parse_request_directives(const http1::request_head& head) {
  request_directives out;
  bool present = false;
  bool pragma_no_cache = false;
  for (const auto& h : head.headers) {
    if (h.id == http1::field::cache_control) {
      present = true;
      for_each_list_element(h.value, [&](std::string_view e) { apply(split(e), out); });
    } else if (h.id == http1::field::pragma) {
      for_each_list_element(h.value,
                            [&](std::string_view e) { pragma_no_cache |= iequals(e, "no-cache"); });
    }
  }
  if (!present) out.no_cache = pragma_no_cache;
  return out;
}

response_directives parse_response_directives(const http1::response_head& head) {
  response_directives out;
  for (const auto& h : head.headers) {
    if (h.id != http1::field::cache_control) continue;
    out.present = true;
    for_each_list_element(h.value, [&](std::string_view e) { apply(split(e), out); });
  }
  return out;
}

response_directives parse_surrogate_directives(const http1::response_head& head) {
  response_directives general;
  response_directives own;  // "max-age=60;fairing": what is said by name counts before the rest
  for (const auto& h : head.headers) {
    if (h.id != http1::field::surrogate_control) continue;
    for_each_list_element(h.value, [&](std::string_view e) {
      const auto semicolon = e.find(';');
      const auto target = semicolon == std::string_view::npos ? std::string_view{}
                                                              : trim_ows(e.substr(semicolon + 1));
      const auto d = split(trim_ows(e.substr(0, semicolon)));
      if (target.empty()) apply_surrogate(d, general);
      if (target == surrogate_name) apply_surrogate(d, own);
    });
  }
  for (auto* said : {&own, &general}) {
    said->present =
        said->max_age || said->s_maxage || said->no_store || said->no_cache || said->is_private;
    if (said->present) return *said;
  }
  return {};
}

}  // namespace fairing::http
