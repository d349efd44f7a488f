#include "http/logic/route.hpp"

#include <algorithm>

namespace fairing::http {
namespace {

class route_category_impl final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http route"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<route_errc>(value)) {
      case route_errc::ok:
        return "no error";
      case route_errc::bad_method:
        return "a method is a word in capitals";
      case route_errc::bad_path:
        return "a path begins with '/'";
      case route_errc::bad_pattern:
        return "`**` stands only at the end, `*` once in a segment";
    }
    return "unknown error";
  }
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::uint32_t bit(http1::method m) noexcept { return 1u << static_cast<unsigned>(m); }

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool unreserved(char c) noexcept {
  const char l = ascii_lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

std::string decode_unreserved(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      const auto c = static_cast<char>(high * 16 + low);
      if (high >= 0 && low >= 0 && unreserved(c)) {
        out.push_back(c);
        i += 2;
        continue;
      }
    }
    out.push_back(path[i]);
  }
  return out;
}

bool segment_matches(std::string_view pattern, std::string_view text) noexcept {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (pattern.size() == 1) return !text.empty();
  return text.size() >= pattern.size() - 1 && text.starts_with(pattern.substr(0, star)) &&
         text.ends_with(pattern.substr(star + 1));
}

bool path_matches(const compiled_route& r, std::string_view path) noexcept {
  if (r.literal) return path == r.prefix;
  if (!path.starts_with(r.prefix)) {
    // "/api/**" is also "/api".
    return r.rest && r.segments.empty() && path.size() + 1 == r.prefix.size() &&
           r.prefix.starts_with(path);
  }
  path.remove_prefix(r.prefix.size());
  bool over = false;  // the path's last segment has been taken
  for (const auto& segment : r.segments) {
    if (over) return false;
    const auto end = path.find('/');
    if (!segment_matches(segment, path.substr(0, end))) return false;
    over = end == std::string_view::npos;
    if (!over) path.remove_prefix(end + 1);
  }
  return r.rest || over;
}

bool method_matches(const compiled_route& r, const http1::request_head& request) noexcept {
  if (r.methods == 0 && r.other_methods.empty()) return true;
  if (request.method != http1::method::other) return (r.methods & bit(request.method)) != 0;
  return std::ranges::find(r.other_methods, request.method_text) != r.other_methods.end();
}

bool host_matches(const compiled_route& r, std::string_view authority) noexcept {
  if (r.host.empty()) return true;
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos)
    authority = authority.substr(0, colon);
  return iequals(r.host, authority);
}

void compile_path(compiled_route& r, std::string_view pattern) {
  const auto segments = split(pattern.substr(1), '/');
  r.prefix = "/";
  bool wild = false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (last && segments[i] == "**") {
      r.rest = true;
      return;
    }
    wild |= segments[i].find('*') != std::string_view::npos;
    if (wild) {
      r.segments.emplace_back(segments[i]);
    } else {
      r.prefix.append(segments[i]);
      if (!last) r.prefix.push_back('/');
    }
  }
  r.literal = !wild;
}

compiled_route compile(const site_config& site, const route_config& config, std::size_t index) {
  compiled_route r;
  r.config = &config;
  r.label = config.match;
  r.index = index;
  r.rules.mode = std::max(site.cache.mode, config.cache.mode);  // the more careful of the two
  r.rules.heuristic = site.cache.heuristic;
  r.rules.cdn_cache_control = site.cache.cdn_cache_control;
  r.rules.route = &config.cache;
  for (const auto& name : config.methods) {
    const auto m = http1::method_from_name(name);
    if (m == http1::method::other) {
      r.other_methods.push_back(name);
    } else {
      r.methods |= bit(m);
      if (m == http1::method::get) r.methods |= bit(http1::method::head);
    }
  }
  r.host = to_lower(config.host);
  if (config.path.empty()) {
    r.prefix = "/";
    r.rest = true;
  } else if (config.path.front() != '/') {
    r.prefix = config.path;  // "*": what OPTIONS * asks for
    r.literal = true;
  } else {
    compile_path(r, plain_path(config.path));
  }
  return r;
}

}  // namespace

const std::error_category& route_category() noexcept {
  static const route_category_impl category;
  return category;
}

result<match_pattern> parse_match(std::string_view text) {
  match_pattern out;
  text = trim_ows(text);
  const auto space = text.find_first_of(" \t");
  if (space != std::string_view::npos) {
    for (const auto part : split(text.substr(0, space), ',')) {
      const auto name = trim_ows(part);
      const bool good = !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
        return is_token_char(c) && !(c >= 'a' && c <= 'z');
      });
      if (!good)
        return fail(route_errc::bad_method,
                    "\"" + std::string(part) +
                        "\" is no method: write capitals, "
                        "several joined by commas without spaces, then the path");
      out.methods.emplace_back(name);
    }
    text = trim_ows(text.substr(space));
  }
  if (text == "*") {
    out.path = text;
    return out;
  }
  if (!text.starts_with('/') || text.find_first_of(" \t?#") != std::string_view::npos)
    return fail(route_errc::bad_path, "\"" + std::string(text) +
                                          "\" is no path: it begins with '/' and has "
                                          "no space, '?' or '#'");
  const auto segments = split(text.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto stars = std::ranges::count(segments[i], '*');
    if (stars <= 1 || (segments[i] == "**" && i + 1 == segments.size())) continue;
    return fail(route_errc::bad_pattern, "\"" + std::string(text) +
                                             "\": `**` stands alone at the end, and a "
                                             "segment has at most one `*`");
  }
  out.path = text;
  return out;
}

std::string plain_path(std::string_view path) {
  auto decoded = decode_unreserved(path);
  if (decoded.empty() || decoded.front() != '/') return decoded;
  std::string out;
  out.reserve(decoded.size());
  const auto segments = split(std::string_view{decoded}.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    const auto segment = segments[i];
    if (segment == "..") {
      out.erase(std::min(out.rfind('/'), out.size()));
    } else if (!segment.empty() && segment != ".") {
      out.append("/").append(segment);
      continue;
    }
    if (last) out.push_back('/');
  }
  if (out.empty()) out = "/";
  return out;
}

route_table::route_table(const site_config& site) {
  routes_.reserve(site.routes.size());
  for (const auto& config : site.routes) routes_.push_back(compile(site, config, routes_.size()));
  default_config_.match = "(default)";
  fallback_ = compile(site, default_config_, routes_.size());
}

const compiled_route& route_table::match(const http1::request_head& request) const {
  if (routes_.empty()) return fallback_;
  std::string plain;
  std::string_view path = request.path;
  if (!request.plain_path) {
    plain = plain_path(path);
    path = plain;
  }
  for (const auto& r : routes_)
    if (method_matches(r, request) && path_matches(r, path) && host_matches(r, request.authority))
      return r;
  return fallback_;
}

}  // namespace fairing::http
