#include "http/logic/request_key.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.hpp"

namespace fairing::http {
namespace {

constexpr std::size_t sortable_parameters = 64;

// ascii_lower of n bytes where they stand.
void lower_in_place(char* p, std::size_t n) noexcept {
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t x;
    std::memcpy(&x, p, 8);
    x = ascii_lower8(x);
    std::memcpy(p, &x, 8);
  }
  for (; n != 0; ++p, --n) *p = ascii_lower(*p);
}

void append_lower(std::string& out, std::string_view text) {
  const auto at = out.size();
  out.append(text);
  lower_in_place(out.data() + at, text.size());
}

bool dropped(std::string_view name, const std::vector<std::string>& patterns) noexcept {
  for (const std::string_view p : patterns) {
    if (p.ends_with('*') ? name.starts_with(p.substr(0, p.size() - 1)) : name == p) return true;
  }
  return false;
}

std::string_view name_of(std::string_view parameter) noexcept {
  return parameter.substr(0, parameter.find('='));
}

template <class F>
void for_each_parameter(std::string_view query, F&& f) {
  for (;;) {
    const auto end = query.find('&');
    f(query.substr(0, end));
    if (end == std::string_view::npos) return;
    query.remove_prefix(end + 1);
  }
}

void append_extras(std::string& out, const http1::request_head& request, const key_config& config) {
  for (const auto& name : config.headers) {
    out.push_back('\n');
    append_lower(out, name);
    bool first = true;
    for (const auto& h : request.headers) {
      if (!iequals(h.name, name)) continue;
      out.push_back(first ? '=' : ',');
      out.append(h.value);
      first = false;
    }
  }
  for (const auto& name : config.cookies) {
    out.append("\ncookie ").append(name);
    if (const auto value = find_cookie(request, name)) out.append("=").append(*value);
  }
}

struct url_parts {
  std::string authority;
  std::string_view path;
  std::string_view query;
  bool has_query = false;
};

std::optional<url_parts> split_url(std::string_view url, std::string_view host) {
  url_parts out;
  // A key is one line of printable text: anything else cannot be a URL.
  for (const char c : url)
    if (static_cast<unsigned char>(c) <= ' ' || c == 127) return std::nullopt;
  const auto scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos && !url.starts_with('/')) {
    const auto scheme = url.substr(0, scheme_end);
    const bool https = iequals(scheme, "https");
    if (!https && !iequals(scheme, "http")) return std::nullopt;
    url.remove_prefix(scheme_end + 3);
    auto authority = url.substr(0, url.find_first_of("/?#"));
    url.remove_prefix(authority.size());
    const std::string_view port = https ? ":443" : ":80";
    if (authority.ends_with(port)) authority.remove_suffix(port.size());
    if (authority.empty() || authority.find('@') != std::string_view::npos) return std::nullopt;
    append_lower(out.authority, authority);
  } else {
    if (!url.starts_with('/') || host.empty()) return std::nullopt;
    append_lower(out.authority, host);
  }
  url = url.substr(0, url.find('#'));
  const auto question = url.find('?');
  out.has_query = question != std::string_view::npos;
  out.path = url.substr(0, question);
  if (out.path.empty()) out.path = "/";
  if (out.has_query) out.query = url.substr(question + 1);
  return out;
}

void append_target(std::string& out, std::string_view path, bool has_query, std::string_view query,
                   const key_config& config) {
  out.append(path);
  if (!has_query || config.ignore_query) return;
  if (config.drop_query.empty() && !config.sort_query) {
    out.append("?").append(query);
    return;
  }
  append_query(out, query, config);
}

}  // namespace

void append_query(std::string& out, std::string_view query, const key_config& config) {
  std::array<std::string_view, sortable_parameters> kept;
  std::size_t count = 0;
  for_each_parameter(query, [&](std::string_view p) {
    if (dropped(name_of(p), config.drop_query)) return;
    if (count < kept.size()) kept[count] = p;
    ++count;
  });
  if (count == 0) return;  // "/a?utm_source=x" is "/a"
  char separator = '?';
  const auto append = [&](std::string_view p) {
    out.push_back(separator);
    out.append(p);
    separator = '&';
  };
  if (!config.sort_query || count > kept.size()) {
    for_each_parameter(query, [&](std::string_view p) {
      if (!dropped(name_of(p), config.drop_query)) append(p);
    });
    return;
  }
  // By name only, and stable: a=2&a=1 is not a=1&a=2. An insertion sort: few, and no allocation.
  for (std::size_t i = 1; i < count; ++i)
    for (auto j = i; j > 0 && name_of(kept[j]) < name_of(kept[j - 1]); --j)
      std::swap(kept[j], kept[j - 1]);
  for (std::size_t i = 0; i < count; ++i) append(kept[i]);
}

void make_key(std::string& out, std::string_view site, const http1::request_head& request,
              const key_config& config, bool head_as_get) {
  out.append(site).push_back('\n');
  append_lower(out, request.authority);
  append_target(out, request.path, request.has_query, request.query, config);
  if (!config.headers.empty() || !config.cookies.empty()) append_extras(out, request, config);
  if (!head_as_get && request.method == http1::method::head) out.append("\nHEAD");
}

std::optional<std::string> key_from_url(std::string_view site, std::string_view url,
                                        const key_config& config, std::string_view host) {
  if (!config.headers.empty() || !config.cookies.empty()) return std::nullopt;
  const auto parts = split_url(url, host);
  if (!parts) return std::nullopt;
  std::string out;
  out.append(site).append("\n").append(parts->authority);
  append_target(out, parts->path, parts->has_query, parts->query, config);
  return out;
}

std::optional<std::string> prefix_from_url(std::string_view site, std::string_view url,
                                           std::string_view host) {
  const auto parts = split_url(url, host);
  if (!parts) return std::nullopt;
  std::string out;
  out.append(site).append("\n").append(parts->authority).append(parts->path);
  if (parts->has_query) out.append("?").append(parts->query);
  return out;
}

bool has_dot_segments(std::string_view path) noexcept {
  if (path.find('.') == std::string_view::npos && path.find('%') == std::string_view::npos)
    return false;
  while (!path.empty()) {
    const auto end = path.find('/');
    auto segment = path.substr(0, end);
    int dots = 0;
    while (!segment.empty() && dots < 3) {
      if (segment.front() == '.') {
        segment.remove_prefix(1);
      } else if (iequals(segment.substr(0, 3), "%2e")) {
        segment.remove_prefix(3);
      } else {
        break;
      }
      ++dots;
    }
    // "..;x" is ".." to backends that know path parameters.
    if ((dots == 1 || dots == 2) && (segment.empty() || segment.front() == ';')) return true;
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end + 1);
  }
  return false;
}

std::optional<std::string_view> find_cookie(const http1::request_head& request,
                                            std::string_view name) noexcept {
  for (const auto& h : request.headers) {
    if (h.id != http1::field::cookie) continue;
    auto rest = h.value;
    for (;;) {
      const auto end = rest.find(';');
      const auto pair = trim_ows(rest.substr(0, end));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name)
        return pair.substr(equals + 1);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return std::nullopt;
}

}  // namespace fairing::http
