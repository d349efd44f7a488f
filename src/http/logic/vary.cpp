#include "http/logic/vary.hpp"

#include <algorithm>

namespace fairing::http {
namespace {

void append_lower(std::string& out, std::string_view text) {
  const auto at = out.size();
  out.append(text);
  for (auto i = at; i < out.size(); ++i) out[i] = ascii_lower(out[i]);
}

bool verbatim(http1::field id) noexcept {
  return id == http1::field::user_agent || id == http1::field::cookie ||
         id == http1::field::authorization;
}

}  // namespace

void add_name(vary_spec& spec, std::string_view name) {
  auto lower = to_lower(name);
  const auto at = std::ranges::lower_bound(spec.names, lower);
  if (at != spec.names.end() && *at == lower) return;
  if (spec.names.size() >= vary_spec::limit) {
    spec.star = true;
    return;
  }
  spec.names.insert(at, std::move(lower));
}

vary_spec parse_vary(const http1::response_head& response) {
  vary_spec spec;
  response.for_each_element(http1::field::vary, [&](std::string_view name) {
    if (name == "*" || !std::ranges::all_of(name, is_token_char)) {
      spec.star = true;  // not a field name: what it varies on is unknown
    } else {
      add_name(spec, name);
    }
  });
  return spec;
}

bool merge(vary_spec& into, const vary_spec& other) {
  const auto before = into.names.size();
  const bool star = into.star;
  for (const auto& name : other.names) add_name(into, name);
  into.star |= other.star;
  return into.names.size() != before || into.star != star;
}

bool parse_vary_line_has_star(std::string_view value) noexcept {
  bool star = false;
  for_each_list_element(value, [&](std::string_view name) {
    star |= name == "*" || !std::ranges::all_of(name, is_token_char);
  });
  return star;
}

void append_variant(std::string& out, const vary_spec& spec, const http1::request_head& request,
                    bool own_encodings) {
  for (const auto& name : spec.names) {
    if (own_encodings && name == "accept-encoding") continue;
    out.push_back('\n');
    out.append(name);
    char separator = ':';
    for (const auto& h : request.headers) {
      if (!iequals(h.name, name)) continue;
      const auto append = [&](std::string_view element) {
        out.push_back(separator);
        if (h.id == http1::field::accept_language) {
          append_lower(out, element);
        } else {
          out.append(element);
        }
        separator = ',';
      };
      if (verbatim(h.id)) {
        append(h.value);
        continue;
      }
      for_each_list_element(h.value, append);
      if (separator == ':') {  // present but empty
        out.push_back(':');
        separator = ',';
      }
    }
  }
}

}  // namespace fairing::http
