#include "app/advise/mysql_connection.hpp"

#include <fmt/format.h>
#include <mariadb/mysql.h>

#include <algorithm>
#include <charconv>

namespace fairing::app::advise {

namespace {

constexpr unsigned connect_seconds = 5;
constexpr std::size_t max_rows = 100'000;
constexpr std::size_t most_columns = 16;  // that any question here asks for

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

result<mysql_url> parse_mysql_url(std::string_view text) {
  const auto bad = [] {
    return fail(errc::bad_url,
                "the URL cannot be read; write mysql://USER:PASSWORD@HOST:PORT/DATABASE or "
                "mysql://USER@localhost/DATABASE?socket=/PATH");
  };
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return bad();
  if (const auto name = text.substr(0, scheme); name != "mysql" && name != "mariadb") return bad();
  auto rest = text.substr(scheme + 3);
  mysql_url out;
  if (const auto query = rest.find('?'); query != std::string_view::npos) {
    const auto option = rest.substr(query + 1);
    if (!option.starts_with("socket=")) return bad();
    out.socket = decoded(option.substr(7));
    rest = rest.substr(0, query);
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    out.database = decoded(rest.substr(slash + 1));
    rest = rest.substr(0, slash);
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const auto login = rest.substr(0, at);
    const auto colon = login.find(':');
    out.user = decoded(login.substr(0, colon));
    if (colon != std::string_view::npos) out.password = decoded(login.substr(colon + 1));
    rest = rest.substr(at + 1);
  }
  const auto port_at = rest.rfind(':');
  if (port_at != std::string_view::npos && rest.find(']', port_at) == std::string_view::npos) {
    const auto digits = rest.substr(port_at + 1);
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failed != std::errc{} || end != digits.data() + digits.size() || out.port > 65535)
      return bad();
    rest = rest.substr(0, port_at);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (!rest.empty()) out.host = decoded(rest);
  return out;
}

void mysql_connection::finish::operator()(st_mysql* c) const noexcept { mysql_close(c); }

result<mysql_connection> mysql_connection::open(const mysql_url& url) {
  mysql_connection out(mysql_init(nullptr));
  auto* c = out.connection_.get();
  if (c == nullptr) return fail(errc::unreachable, "no memory for a connection");
  mysql_optionsv(c, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  mysql_optionsv(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(c, or_null(url.host), or_null(url.user), url.password.c_str(),
                         or_null(url.database), url.port, or_null(url.socket), 0) == nullptr)
    return fail(errc::unreachable, mysql_error(c));
  out.version_ = mysql_get_server_info(c);
  const bool mariadb = out.version_.find("MariaDB") != std::string::npos;
  out.kind_ = mariadb ? fairing::advise::indexes::dialect::mariadb
                      : fairing::advise::indexes::dialect::mysql;
  const auto manners = {std::string("SET SESSION TRANSACTION READ ONLY"),
                        std::string("SET SESSION sql_mode = ''"),
                        std::string(mariadb ? "SET SESSION max_statement_time = 5"
                                            : "SET SESSION max_execution_time = 5000"),
                        std::string("SET SESSION lock_wait_timeout = 1")};
  for (const auto& sql : manners)
    if (const auto done = out.query(sql); !done) return std::unexpected(done.error());
  return out;
}

result<mysql_connection::rows> mysql_connection::query(const std::string& sql) {
  auto* c = connection_.get();
  if (mysql_real_query(c, sql.data(), static_cast<unsigned long>(sql.size())) != 0)
    return fail(errc::refused, mysql_error(c));
  rows out;
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> found(mysql_store_result(c),
                                                               mysql_free_result);
  if (found == nullptr) {
    if (mysql_field_count(c) != 0) return fail(errc::refused, mysql_error(c));
    return out;
  }
  const auto width = mysql_num_fields(found.get());
  while (auto* row = mysql_fetch_row(found.get())) {
    if (out.size() >= max_rows) break;
    const auto* lengths = mysql_fetch_lengths(found.get());
    std::vector<std::string> values;
    values.reserve(width);
    for (unsigned i = 0; i < width; ++i)
      values.emplace_back(row[i] == nullptr ? std::string() : std::string(row[i], lengths[i]));
    // A server that leaves columns out is read as if they were NULL.
    values.resize(std::max<std::size_t>(width, most_columns));
    out.push_back(std::move(values));
  }
  return out;
}

std::string mysql_connection::quoted(std::string_view text) const {
  std::string out(text.size() * 2 + 1, '\0');
  const auto length = mysql_real_escape_string(connection_.get(), out.data(), text.data(),
                                               static_cast<unsigned long>(text.size()));
  out.resize(length);
  return "'" + out + "'";
}

}  // namespace fairing::app::advise
