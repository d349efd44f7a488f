#include "app/advise/postgres_connection.hpp"

#include <fmt/format.h>
#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace fairing::app::advise {

namespace {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "app.advise"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_url:
        return "not a connection URL";
      case errc::unreachable:
        return "the database is not reachable";
      case errc::refused:
        return "the server refuses a statement";
      case errc::too_old:
        return "this version of the server is not known";
    }
    return "unknown";
  }
};

std::string one_line(const char* text) {
  std::string out(text == nullptr ? "" : text);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

// What keeps this session from doing harm.
constexpr std::array<const char*, 6> manners = {
    "SET default_transaction_read_only = on",
    "SET statement_timeout = '5s'",
    "SET lock_timeout = '500ms'",
    "SET standard_conforming_strings = on",
    "SET plan_cache_mode = force_generic_plan",
    "SET client_min_messages = warning",
};

}  // namespace

std::error_code make_error_code(errc e) noexcept {
  static const category the_category;
  return {static_cast<int>(e), the_category};
}

postgres_rows::postgres_rows(pg_result* r) : result_(r) {}
void postgres_rows::clear::operator()(pg_result* r) const noexcept { PQclear(r); }
int postgres_rows::size() const noexcept { return PQntuples(result_.get()); }
std::string postgres_rows::text(int row, int column) const {
  return PQgetvalue(result_.get(), row, column);
}
double postgres_rows::number(int row, int column) const {
  return std::strtod(PQgetvalue(result_.get(), row, column), nullptr);
}
bool postgres_rows::yes(int row, int column) const {
  return PQgetvalue(result_.get(), row, column)[0] == 't';
}

void postgres_connection::finish::operator()(pg_conn* c) const noexcept { PQfinish(c); }

result<postgres_connection> postgres_connection::open(const std::string& url) {
  char* problem = nullptr;
  auto* parsed = PQconninfoParse(url.c_str(), &problem);
  if (parsed == nullptr) {
    // libpq's message may quote a part of the URL, a password in it.
    PQfreemem(problem);
    return fail(errc::bad_url,
                "the URL cannot be read; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with "
                "characters like @ / : in the password as %40 %2F %3A");
  }
  PQconninfoFree(parsed);
  const std::array<const char*, 5> keys = {"dbname", "connect_timeout", "fallback_application_name",
                                           "client_encoding", nullptr};
  const std::array<const char*, 5> values = {url.c_str(), "5", "fairing advise", "UTF8", nullptr};
  // What stands behind the URL goes before what it says: five seconds are enough to connect.
  postgres_connection out(PQconnectdbParams(keys.data(), values.data(), 1));
  if (PQstatus(out.connection_.get()) != CONNECTION_OK)
    return fail(errc::unreachable, one_line(PQerrorMessage(out.connection_.get())));
  PQsetNoticeProcessor(out.connection_.get(), [](void*, const char*) {}, nullptr);
  if (out.version() < 120000)
    return fail(
        errc::too_old,
        fmt::format("PostgreSQL {} is older than 12, where generic plans cannot be asked for",
                    out.version_text()));
  for (const auto* sql : manners)
    if (const auto done = out.query(sql); !done) return std::unexpected(done.error());
  return out;
}

std::unexpected<error> postgres_connection::refused(pg_result* r) const {
  const char* primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  auto text = one_line(primary != nullptr ? primary : PQerrorMessage(connection_.get()));
  PQclear(r);
  const bool lost = PQstatus(connection_.get()) != CONNECTION_OK;
  return fail(lost ? errc::unreachable : errc::refused, std::move(text));
}

result<postgres_rows> postgres_connection::query(const std::string& sql,
                                                 const std::vector<std::string>& arguments) {
  std::vector<const char*> values;
  values.reserve(arguments.size());
  for (const auto& a : arguments) values.push_back(a.c_str());
  // The extended protocol: never more than one statement.
  auto* r = PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                         values.data(), nullptr, nullptr, 0);
  const auto status = PQresultStatus(r);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return refused(r);
  return postgres_rows(r);
}

result<int> postgres_connection::prepare(const char* name, const std::string& sql) {
  PQclear(PQexec(connection_.get(), fmt::format("DEALLOCATE {}", name).c_str()));
  auto* r = PQprepare(connection_.get(), name, sql.c_str(), 0, nullptr);
  if (PQresultStatus(r) != PGRES_COMMAND_OK) return refused(r);
  PQclear(r);
  r = PQdescribePrepared(connection_.get(), name);
  if (PQresultStatus(r) != PGRES_COMMAND_OK) return refused(r);
  const int parameters = PQnparams(r);
  PQclear(r);
  return parameters;
}

int postgres_connection::version() const noexcept { return PQserverVersion(connection_.get()); }

std::string postgres_connection::version_text() const {
  return fmt::format("{}.{}", version() / 10000, version() % 10000);
}

std::string postgres_connection::where() const {
  const auto part = [](const char* text) { return std::string(text == nullptr ? "" : text); };
  return fmt::format("{}:{}/{}", part(PQhost(connection_.get())), part(PQport(connection_.get())),
                     part(PQdb(connection_.get())));
}

}  // namespace fairing::app::advise
