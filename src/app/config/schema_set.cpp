#include "app/config/schema_set.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/config/address.hpp"
#include "app/config/schema_bind.hpp"
#include "base/ascii.hpp"
#include "http/logic/route.hpp"

namespace fairing::config::detail {

namespace {

constexpr std::size_t least_token = 16;

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace

std::string check_listen(const value& v) {
  const auto& text = std::get<std::string>(v);
  if (parse_listen(text)) return {};
  return fmt::format("`{}` is no listen address; write PORT (0 to 65535), HOST:PORT or unix:PATH",
                     text);
}

std::string check_listen_or_off(const value& v) {
  if (std::get<std::string>(v) == "off") return {};
  const auto why = check_listen(v);
  return why.empty() ? why : why + ", or off";
}

std::string check_networks(const value& v) {
  for (const auto& n : std::get<std::vector<std::string>>(v))
    if (!is_network(n)) return fmt::format("`{}` is not a network; write 10.0.0.0/8 or ::1/128", n);
  return {};
}

std::string check_field_names(const value& v) {
  for (const auto& n : std::get<std::vector<std::string>>(v))
    if (!is_token(n)) return fmt::format("`{}` cannot be the name of a header or cookie", n);
  return {};
}

std::string check_host(const value& v) {
  if (is_host(std::get<std::string>(v))) return {};
  return "a host is a name or address, without scheme, port and path";
}

std::string check_token(const value& v) {
  const auto& token = std::get<std::string>(v);
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() >= least_token && printable) return {};
  return "a token has at least 16 characters and no space; `openssl rand -hex 32` makes a good one";
}

binding bind_listen() {
  return {[](const scope& s, const value& v) -> std::string {
            if (auto why = check_listen(v); !why.empty()) return why;
            s.site->listen = to_text(*parse_listen(std::get<std::string>(v)));
            return {};
          },
          [](const scope& s) -> value { return s.site->listen; }};
}

binding bind_admin_listen() {
  return {[](const scope& s, const value& v) -> std::string {
            if (auto why = check_listen_or_off(v); !why.empty()) return why;
            const auto& text = std::get<std::string>(v);
            s.root->admin.listen = text == "off" ? text : to_text(*parse_listen(text));
            return {};
          },
          [](const scope& s) -> value { return s.root->admin.listen; }};
}

binding bind_upstream_url() {
  return {[](const scope& s, const value& v) -> std::string {
            std::string problem;
            auto parsed = parse_upstream(std::get<std::string>(v), problem);
            if (!parsed) return problem;
            parsed->weight = s.upstream->weight;
            *s.upstream = std::move(*parsed);
            return {};
          },
          [](const scope& s) -> value { return s.upstream->url; }};
}

binding bind_match() {
  return {[](const scope& s, const value& v) -> std::string {
            const auto& text = std::get<std::string>(v);
            auto parsed = http::parse_match(text);
            if (!parsed) return fmt::format("`{}`: {}", text, parsed.error().message());
            s.route->match = text;
            s.route->methods = std::move(parsed->methods);
            s.route->path = std::move(parsed->path);
            return {};
          },
          [](const scope& s) -> value { return s.route->match; }};
}

binding bind_rate_key() {
  return {[](const scope& s, const value& v) -> std::string {
            const std::string_view text = std::get<std::string>(v);
            auto& limit =
                s.route->rate_limit ? *s.route->rate_limit : s.route->rate_limit.emplace();
            const auto colon = text.find(':');
            const auto kind = text.substr(0, colon);
            const auto name =
                colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
            if (text == "ip") {
              limit.key = http::rate_key::ip;
            } else if (kind == "header" && is_token(name)) {
              limit.key = http::rate_key::header;
            } else if (kind == "cookie" && is_token(name)) {
              limit.key = http::rate_key::cookie;
            } else {
              return "the key of a limit is ip, header:NAME or cookie:NAME";
            }
            limit.key_name = name;
            return {};
          },
          [](const scope& s) -> value {
            if (!s.route->rate_limit) return std::monostate{};
            const auto& limit = *s.route->rate_limit;
            if (limit.key == http::rate_key::ip) return std::string("ip");
            return (limit.key == http::rate_key::header ? "header:" : "cookie:") + limit.key_name;
          }};
}

binding bind_principal() {
  return {[](const scope& s, const value& v) -> std::string {
            const std::string_view text = std::get<std::string>(v);
            auto& async = s.route->async ? *s.route->async : s.route->async.emplace();
            if (text == "ip") {
              async.principal = http::rate_key::ip;
              return {};
            }
            const auto colon = text.find(':');
            const auto kind = text.substr(0, colon);
            const auto name =
                colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
            if ((kind != "header" && kind != "cookie") || !is_token(name))
              return "a principal is header:NAME, cookie:NAME or ip";
            async.principal = kind == "header" ? http::rate_key::header : http::rate_key::cookie;
            async.principal_name = name;
            return {};
          },
          [](const scope& s) -> value {
            if (!s.route->async) return std::monostate{};
            const auto& a = *s.route->async;
            if (a.principal == http::rate_key::ip) return std::string("ip");
            return (a.principal == http::rate_key::cookie ? "cookie:" : "header:") +
                   a.principal_name;
          }};
}

}  // namespace fairing::config::detail
