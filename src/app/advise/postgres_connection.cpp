#include "app/advise/postgres_connection.hpp"

#include <fmt/format.h>
#include <poll.h>
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
      case errc::pooled:
        return "a transaction pooler stands between";
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

using clock = std::chrono::steady_clock;
constexpr std::chrono::seconds connect_time{5};
// The server's own limit is 5 s a statement, or 10 s for one that is run: what is over that is silence.
constexpr std::chrono::seconds answer_time{15};
constexpr std::chrono::milliseconds look_at_bounds{100};
constexpr int rounds_of_pooler = 3;

}  // namespace

bool connection_bounds::over() const noexcept {
  return (stop != nullptr && stop->load(std::memory_order_relaxed)) || clock::now() >= end;
}

std::error_code make_error_code(errc e) noexcept {
  static const category the_category;
  return {static_cast<int>(e), the_category};
}

postgres_rows::postgres_rows(pg_result* r) : result_(r) {}
void postgres_rows::clear::operator()(pg_result* r) const noexcept { PQclear(r); }
int postgres_rows::size() const noexcept { return PQntuples(result_.get()); }
// What answers may be a proxy with a mind of its own: fewer columns than were asked for are no crash.
const char* postgres_rows::cell(int row, int column) const noexcept {
  const char* value = PQgetvalue(result_.get(), row, column);
  return value == nullptr ? "" : value;
}
std::string postgres_rows::text(int row, int column) const { return cell(row, column); }
double postgres_rows::number(int row, int column) const {
  return std::strtod(cell(row, column), nullptr);
}
bool postgres_rows::yes(int row, int column) const { return cell(row, column)[0] == 't'; }

void postgres_connection::finish::operator()(pg_conn* c) const noexcept { PQfinish(c); }

// False: the time or the bounds are over.
bool postgres_connection::wait_for(short events, clock::time_point end) const {
  for (;;) {
    if (bounds_.over() || clock::now() >= end) return false;
    pollfd p{PQsocket(connection_.get()), events, 0};
    // A signal is no reason to give up.
    if (::poll(&p, 1, static_cast<int>(look_at_bounds.count())) > 0) return true;
  }
}

bool postgres_connection::log_in() {
  const auto end = clock::now() + connect_time;
  auto* c = connection_.get();
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(c) != CONNECTION_BAD) {
    if (!wait_for(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, end)) return false;
    next = PQconnectPoll(c);
    if (next == PGRES_POLLING_OK || next == PGRES_POLLING_FAILED) break;
  }
  return true;
}

result<postgres_connection> postgres_connection::open(const std::string& url,
                                                      const connection_bounds& bounds) {
  auto out = connect(url, bounds);
  if (!out) return out;
  if (const auto own = out->own_session(url); !own) return std::unexpected(own.error());
  for (const auto* sql : manners)
    if (const auto done = out->query(sql); !done) return std::unexpected(done.error());
  return out;
}

result<int> postgres_connection::process() {
  const auto rows = query("SELECT pg_catalog.pg_backend_pid()");
  if (!rows) return std::unexpected(rows.error());
  return static_cast<int>(rows->number(0, 0));
}

result<void> postgres_connection::own_session(const std::string& url) {
  const auto mine = process();
  if (!mine) return std::unexpected(mine.error());
  if (*mine == PQbackendPID(connection_.get())) return {};
  auto other = connect(url, bounds_);
  if (!other) return std::unexpected(other.error());
  // One after the other and twice the same: whichever of its idle servers a pooler takes, it is seen.
  for (int i = 0; i < rounds_of_pooler; ++i)
    for (auto* asked : {this, this, &*other}) {
      const auto now = asked->process();
      if (!now) return std::unexpected(now.error());
      if ((*now == *mine) != (asked == this))
        return fail(errc::pooled,
                    fmt::format("{} is a transaction pooler, which may give each statement another "
                                "connection: give PostgreSQL's own address (or Fairing's "
                                "sql.session_listen)",
                                where()));
    }
  return {};
}

result<postgres_connection> postgres_connection::connect(const std::string& url,
                                                         const connection_bounds& bounds) {
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
  const std::array<const char*, 4> keys = {"dbname", "fallback_application_name", "client_encoding",
                                           nullptr};
  const std::array<const char*, 4> values = {url.c_str(), bounds.name, "UTF8", nullptr};
  // What stands behind the URL goes before what it says.
  postgres_connection out(PQconnectStartParams(keys.data(), values.data(), 1), bounds);
  if (!out.log_in())
    return fail(errc::unreachable,
                fmt::format("{} does not answer within {} s", out.where(), connect_time.count()));
  if (PQstatus(out.connection_.get()) != CONNECTION_OK)
    return fail(errc::unreachable, one_line(PQerrorMessage(out.connection_.get())));
  PQsetNoticeProcessor(out.connection_.get(), [](void*, const char*) {}, nullptr);
  if (out.version() < 120000)
    return fail(
        errc::too_old,
        fmt::format("PostgreSQL {} is older than 12, where generic plans cannot be asked for",
                    out.version_text()));
  return out;
}

// The last result of what was sent; the caller clears it.
result<pg_result*> postgres_connection::answer() {
  auto* c = connection_.get();
  const auto end = clock::now() + answer_time;
  pg_result* last = nullptr;
  for (;;) {
    while (PQisBusy(c) != 0) {
      const bool came = wait_for(POLLIN, end);
      if (came && PQconsumeInput(c) == 1) continue;
      PQclear(last);
      silent_ = true;
      if (came) return fail(errc::unreachable, one_line(PQerrorMessage(c)));
      return fail(errc::unreachable, where() + " does not answer");
    }
    auto* next = PQgetResult(c);
    if (next == nullptr) return last;
    PQclear(last);
    last = next;
    // Nothing here is a COPY; libpq would give the same result for ever.
    if (const auto s = PQresultStatus(next);
        s == PGRES_COPY_IN || s == PGRES_COPY_OUT || s == PGRES_COPY_BOTH) {
      PQclear(last);
      silent_ = true;
      return fail(errc::refused, where() + " answers with a COPY that nobody asked for");
    }
  }
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
  if (silent_ || bounds_.over()) return fail(errc::refused, "its time is over");
  std::vector<const char*> values;
  values.reserve(arguments.size());
  for (const auto& a : arguments) values.push_back(a.c_str());
  // The extended protocol: never more than one statement.
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) != 1)
    return refused(nullptr);
  const auto r = answer();
  if (!r) return std::unexpected(r.error());
  const auto status = PQresultStatus(*r);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return refused(*r);
  return postgres_rows(*r);
}

result<int> postgres_connection::prepare(const char* name, const std::string& sql) {
  // Not there the first time.
  if (const auto gone = query(fmt::format("DEALLOCATE {}", name));
      !gone && gone.error().code == errc::unreachable)
    return std::unexpected(gone.error());
  if (silent_ || bounds_.over()) return fail(errc::refused, "its time is over");
  if (PQsendPrepare(connection_.get(), name, sql.c_str(), 0, nullptr) != 1) return refused(nullptr);
  auto r = answer();
  if (!r) return std::unexpected(r.error());
  if (PQresultStatus(*r) != PGRES_COMMAND_OK) return refused(*r);
  PQclear(*r);
  if (PQsendDescribePrepared(connection_.get(), name) != 1) return refused(nullptr);
  r = answer();
  if (!r) return std::unexpected(r.error());
  if (PQresultStatus(*r) != PGRES_COMMAND_OK) return refused(*r);
  const int parameters = PQnparams(*r);
  PQclear(*r);
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
