#include "app/config/postgres_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/config/address.hpp"
#include "app/config/nearest.hpp"
#include "base/ascii.hpp"
#include "base/version.hpp"

namespace fairing::config {

namespace {

constexpr std::string_view default_socket_directory = "/var/run/postgresql";
constexpr std::size_t max_socket_directory = 90;  // sun_path holds 107 with /.s.PGSQL.65535
constexpr std::size_t max_name = 63;              // NAMEDATALEN - 1

const std::vector<std::string> known_options = {"sslmode", "sslrootcert", "host",  "port",
                                                "user",    "password",    "dbname"};
// What the application's driver or ORM keeps to itself, or what every client says for itself at its own start.
constexpr std::array<std::string_view, 20> drivers_own = {"application_name",
                                                          "fallback_application_name",
                                                          "client_encoding",
                                                          "connect_timeout",
                                                          "keepalives",
                                                          "keepalives_idle",
                                                          "keepalives_count",
                                                          "keepalives_interval",
                                                          "options",
                                                          "tcp_user_timeout",
                                                          "schema",
                                                          "pgbouncer",
                                                          "connection_limit",
                                                          "pool_timeout",
                                                          "socket_timeout",
                                                          "statement_cache_size",
                                                          "sslaccept",
                                                          "max_idle_connection_lifetime",
                                                          "pool",
                                                          "prepareThreshold"};
// libpq knows them and they would change who is trusted: not to be left out quietly.
constexpr std::array<std::string_view, 14> not_yet = {"channel_binding", "sslcert",
                                                      "sslkey",          "sslpassword",
                                                      "sslcrl",          "sslcrldir",
                                                      "sslsni",          "gssencmode",
                                                      "hostaddr",        "krbsrvname",
                                                      "requirepeer",     "service",
                                                      "passfile",        "target_session_attrs"};

template <class List>
bool holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text, std::string_view kept = "") {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' ||
                       kept.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

constexpr std::array<std::string_view, 6> ssl_words = {"disable", "allow",     "prefer",
                                                       "require", "verify-ca", "verify-full"};

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

// One reading of one URL. Every step answers false with `problem_` set.
class reader {
 public:
  explicit reader(std::string& problem) : problem_(problem) {}
  postgres_url out;

  bool read(std::string_view text) {
    std::string_view rest;
    if (!scheme(text, rest)) return false;
    if (std::any_of(rest.begin(), rest.end(), [](unsigned char c) { return c <= ' ' || c == 127; }))
      return no("has a space or control character in it; write it as %20 in a name or password");
    // As libpq: the user and password end at the first @ before any /.
    const auto stop = rest.find_first_of("@/");
    if (stop != std::string_view::npos && rest[stop] == '@') {
      if (!credentials(rest.substr(0, stop))) return false;
      rest.remove_prefix(stop + 1);
    }
    const auto end = rest.find_first_of("/?");
    const auto authority = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    if (authority.find('@') != std::string_view::npos) return unescaped();
    std::string_view path;
    if (rest.starts_with('/')) {
      path =
          rest.substr(1, rest.find('?') == std::string_view::npos ? rest.npos : rest.find('?') - 1);
      if (path.find_first_of("/@") != std::string_view::npos) return unescaped();
      if (!decode(path, out.upstream.database)) return false;
    }
    if (!host_port(authority)) return false;
    if (const auto query = rest.find('?'); query != std::string_view::npos) {
      if (rest.find('@', query) != std::string_view::npos) return unescaped();
      if (!options(rest.substr(query + 1))) return false;
    }
    return finish();
  }

 private:
  bool no(std::string why) {
    problem_ = std::move(why);
    for (auto& c : problem_)  // it may quote the URL, and is shown on a terminal
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return false;
  }
  bool unescaped() {
    return no(
        "cannot be taken apart: a `/`, `@`, `:`, `?` or `#` in the user or password is written "
        "%2F, %40, %3A, %3F or %23");
  }
  bool decode(std::string_view text, std::string& to) {
    auto plain = percent_decoded(text);
    if (!plain) return no("has a `%` without two hexadecimal digits; a `%` itself is written %25");
    to = std::move(*plain);
    return true;
  }

  bool scheme(std::string_view text, std::string_view& rest) {
    for (const std::string_view known : {"postgres://", "postgresql://"}) {
      if (!text.starts_with(known)) continue;
      rest = text.substr(known.size());
      return true;
    }
    constexpr std::string_view form = "write postgres://USER:PASSWORD@HOST:5432/DATABASE";
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) {
      const bool plain = !text.empty() && text.size() <= 260 &&
                         text.find_first_of("@= \t") == std::string_view::npos &&
                         parse_listen(text).has_value();
      if (plain) return no(fmt::format("`{0}` has no scheme; write postgres://{0}", text));
      if (text.find('=') != std::string_view::npos)
        return no(fmt::format("is no URL; keywords (`host=... user=...`) are not taken; {}", form));
      return no(fmt::format("is no URL of a PostgreSQL; {}", form));
    }
    const auto word = text.substr(0, colon);
    if (word.starts_with("jdbc:") || word.starts_with("postgresql+") ||
        word.starts_with("postgres+"))
      return no(fmt::format("has the scheme of a driver; {}", form));
    if (word == "mysql" || word == "mariadb" || word == "mysql2" || word == "sqlite" ||
        word == "sqlserver" || word == "mongodb")
      return no(fmt::format("is a {} URL, and the sql plane speaks PostgreSQL's protocol only; {}",
                            word, form));
    const bool shown = word.size() <= 20 && is_name(word);
    return no(
        shown ? fmt::format("`{}://` is not PostgreSQL's scheme{}; {}", word,
                            did_you_mean(word, std::vector<std::string>{"postgres", "postgresql"}),
                            form)
              : fmt::format("is no URL of a PostgreSQL; {}", form));
  }

  bool credentials(std::string_view text) {
    const auto colon = text.find(':');
    if (!decode(text.substr(0, colon), out.upstream.user)) return false;
    return colon == std::string_view::npos || decode(text.substr(colon + 1), out.upstream.password);
  }

  bool host_port(std::string_view text) {
    if (text.find(',') != std::string_view::npos)
      return no("names several hosts; the sql plane has one upstream: name the primary");
    std::string_view host = text;
    std::string_view port_text;
    if (text.starts_with('[')) {
      const auto end = text.find(']');
      if (end == std::string_view::npos) return no("has a `[` without `]` around its host");
      host = text.substr(1, end - 1);
      const auto rest = text.substr(end + 1);
      if (!rest.empty() && rest[0] != ':') return no("has something between `]` and the port");
      if (!rest.empty()) port_text = rest.substr(1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
      host = text.substr(0, colon);
      port_text = text.substr(colon + 1);
      if (port_text.find(':') != std::string_view::npos)
        return no("has more than one `:` in its host; write an IPv6 address in brackets, [::1]");
    }
    return decode(host, out.upstream.host) && (port_text.empty() || port(port_text));
  }

  // The text is not repeated: in a URL with an unescaped password it is a part of that.
  bool port(std::string_view text) {
    const auto n = text.size() <= 5 ? parse_digits(text) : std::nullopt;
    if (!n || *n == 0 || *n > 65535)
      return no("has a port that is none: 1 to 65535; a `/` in the password is written %2F");
    out.upstream.port = static_cast<std::uint16_t>(*n);
    return true;
  }

  bool options(std::string_view query) {
    while (!query.empty()) {
      const auto amp = query.find('&');
      const auto pair = query.substr(0, amp);
      query = amp == std::string_view::npos ? std::string_view{} : query.substr(amp + 1);
      if (pair.empty()) continue;
      const auto equals = pair.find('=');
      const auto name = pair.substr(0, equals);
      std::string value;
      if (equals != std::string_view::npos && !decode(pair.substr(equals + 1), value)) return false;
      if (!option(name, std::move(value), equals != std::string_view::npos)) return false;
    }
    return true;
  }

  bool option(std::string_view name, std::string value, bool has_value) {
    auto& u = out.upstream;
    if (name.size() > 40 || !is_name(name)) return unescaped();
    if (holds(drivers_own, name)) {
      out.ignored.emplace_back(name);
      return true;
    }
    if (holds(not_yet, name))
      return no(
          fmt::format("has the option `{}`, which is not in this version of Fairing ({}); "
                      "take it out",
                      name, version));
    if (!holds(known_options, name))
      return no(fmt::format("has an unknown option `{}`{}; known are {}", name,
                            did_you_mean(name, known_options), fmt::join(known_options, ", ")));
    if (!has_value)
      return no(fmt::format("has the option `{0}` without a value; write {0}=...", name));
    if (name == "sslmode") return ssl_mode(value);
    if (name == "port") return port(value);
    if (name == "host")
      u.host = std::move(value);
    else if (name == "user")
      u.user = std::move(value);
    else if (name == "password")
      u.password = std::move(value);
    else if (name == "dbname")
      u.database = std::move(value);
    else
      u.ssl_root = std::move(value);
    return true;
  }

  bool ssl_mode(const std::string& word) {
    for (std::size_t i = 0; i < ssl_words.size(); ++i) {
      if (word != ssl_words[i]) continue;
      out.upstream.ssl = static_cast<sql::ssl_mode>(i);
      ssl_said_ = true;
      return true;
    }
    const std::vector<std::string> words(ssl_words.begin(), ssl_words.end());
    const bool shown = word.size() <= 20 && is_name(word);
    return no(fmt::format("has an sslmode that is none{}{}; write one of {}",
                          shown ? fmt::format(", `{}`", word) : std::string(),
                          shown ? did_you_mean(word, words) : std::string(),
                          fmt::join(words, ", ")));
  }

  bool finish() {
    auto& u = out.upstream;
    if (u.host.empty()) u.host = default_socket_directory;
    if (u.host.starts_with('/')) {
      if (u.host.size() > max_socket_directory)
        return no(
            fmt::format("names a socket's directory of more than {} bytes", max_socket_directory));
      while (u.host.size() > 1 && u.host.ends_with('/')) u.host.pop_back();
    } else if (!is_host(u.host)) {
      return no(
          "has a host that is none; write a name, an address, [V6], or ?host=/DIRECTORY for a unix "
          "socket");
    }
    if (u.user.size() > max_name || u.database.size() > max_name)
      return no(fmt::format("has a user or database of more than {} bytes", max_name));
    if (u.user.empty() && !u.password.empty())
      return no("has a password and no user; write postgres://USER:PASSWORD@HOST/DATABASE");
    return roots();
  }

  // As libpq: `system` verifies in full, and a root file makes `require` verify.
  bool roots() {
    auto& u = out.upstream;
    if (u.ssl_root == "system") {
      u.ssl_root.clear();
      if (ssl_said_ && u.ssl != sql::ssl_mode::verify_full)
        return no("has sslrootcert=system with a weak sslmode; write sslmode=verify-full");
      u.ssl = sql::ssl_mode::verify_full;
    } else if (!u.ssl_root.empty() && u.ssl == sql::ssl_mode::require) {
      u.ssl = sql::ssl_mode::verify_ca;
    }
    return true;
  }

  std::string& problem_;
  bool ssl_said_ = false;
};

}  // namespace

std::optional<postgres_url> parse_postgres_url(std::string_view text, std::string& problem) {
  reader r(problem);
  if (!r.read(text)) return std::nullopt;
  return std::move(r.out);
}

std::string to_text(const sql::upstream_url& u, password_shown password) {
  std::string out = "postgres://";
  if (!u.user.empty()) {
    out += percent_encoded(u.user);
    if (!u.password.empty())
      out += ":" + (password == password_shown::masked ? std::string("***")
                                                       : percent_encoded(u.password));
    out += "@";
  }
  const bool socket = u.host.starts_with('/');
  if (!socket)
    out += u.host.find(':') == std::string::npos ? percent_encoded(u.host)
                                                 : fmt::format("[{}]", u.host);
  if (!socket || u.port != 5432) out += fmt::format(":{}", u.port);
  out += "/" + percent_encoded(u.database);
  std::string options;
  const auto add = [&](std::string_view name, std::string_view value) {
    options += fmt::format("{}{}={}", options.empty() ? "?" : "&", name, value);
  };
  if (socket) add("host", percent_encoded(u.host, "/"));
  if (u.ssl != sql::ssl_mode::prefer) add("sslmode", ssl_words[static_cast<std::size_t>(u.ssl)]);
  if (!u.ssl_root.empty()) add("sslrootcert", percent_encoded(u.ssl_root, "/"));
  return out + options;
}

bool leads_to(const sql::upstream_url& u, const listen_address& a) {
  if (!a.unix_path.empty()) return a.unix_path == fmt::format("{}/.s.PGSQL.{}", u.host, u.port);
  const bool here = a.loopback() || a.host == "0.0.0.0" || a.host == "::";
  return a.port == u.port &&
         (a.host == u.host || (here && listen_address{u.host, 0, {}}.loopback()));
}

std::string masked(std::string_view url) {
  std::string problem;
  if (const auto parsed = parse_postgres_url(url, problem))
    return to_text(parsed->upstream, password_shown::masked);
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto at = url.rfind('@');
  const std::string head(scheme == std::string_view::npos ? "" : url.substr(0, begin));
  if (url.find("password") != std::string_view::npos) return head + "***";
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return head + "***" + std::string(url.substr(at));
}

}  // namespace fairing::config
