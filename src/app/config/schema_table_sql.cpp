// The rows of the sql plane, and the bindings of those whose text means more than one member.
#include <fmt/format.h>

#include "app/config/address.hpp"
#include "app/config/postgres_url.hpp"
#include "app/config/schema_bind.hpp"
#include "app/config/schema_set.hpp"
#include "base/version.hpp"
#include "codec/scram/keys.hpp"

namespace fairing::config::detail {

namespace {

using enum field_kind;
using enum change_kind;
using sql::advise_config;
using sql::n_plus_one_config;
using sql::sql_config;
using sql::sql_limits_config;
using sql::sql_pool_config;
using sql::user_config;

constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t year_ms = 365 * day_ms;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t gib = kib * kib * kib;
constexpr std::uint64_t most_servers = 10'000;

template <auto... M>
constexpr binding of_sql() {
  return bound<&scope::root, &config::sql, M...>();
}

sql_config& made(const scope& s) { return s.root->sql ? *s.root->sql : s.root->sql.emplace(); }

constexpr elements users = {
    [](const scope& s) { return s.root->sql ? s.root->sql->users.size() : 0; },
    [](const scope& s, std::size_t i) {
      auto& all = made(s).users;
      if (i == all.size()) all.emplace_back();
      return scope{s.root, nullptr, nullptr, nullptr, &all[i]};
    }};

template <std::string sql_config::* Member>
constexpr binding bind_sql_listen() {
  return {[](const scope& s, const value& v) -> std::string {
            if (auto why = check_listen(v); !why.empty()) return why;
            made(s).*Member = to_text(*parse_listen(std::get<std::string>(v)));
            return {};
          },
          [](const scope& s) -> value {
            if (!s.root->sql) return std::monostate{};
            return (*s.root->sql).*Member;
          }};
}

template <password_shown Password>
value upstream_text(const scope& s) {
  if (!s.root->sql || s.root->sql->upstream.host.empty()) return std::monostate{};
  return to_text(s.root->sql->upstream, Password);
}

constexpr binding bind_sql_upstream() {
  return {[](const scope& s, const value& v) -> std::string {
            std::string problem;
            auto parsed = parse_postgres_url(std::get<std::string>(v), problem);
            if (!parsed) return problem.starts_with('`') ? problem : "it " + problem;
            made(s).upstream = std::move(parsed->upstream);
            s.root->sql_ignored_options = std::move(parsed->ignored);
            return {};
          },
          &upstream_text<password_shown::whole>, &upstream_text<password_shown::masked>};
}

std::string check_scram(const value& v) {
  if (codec::scram::parse_secret(std::get<std::string>(v))) return {};
  return "is no SCRAM secret; write SCRAM-SHA-256$4096:SALT$STORED:SERVER, as `SELECT rolpassword "
         "FROM pg_authid` shows it, in quotes";
}

std::string check_role(const value& v) {
  const auto& name = std::get<std::string>(v);
  if (!name.empty() && name.size() <= 63 && name.find('\0') == std::string::npos) return {};
  return "the name of a PostgreSQL role has 1 to 63 bytes";
}

std::string check_auth_query(const value& v) {
  const auto& text = std::get<std::string>(v);
  if (text.empty() || text.find("$1") != std::string::npos) return {};
  return "has no $1, which stands for the user's name; write SELECT usename, passwd, "
         "valuntil FROM pg_shadow WHERE usename = $1, or call a function of yours";
}

// A word of which only `off` is in this version: nothing to store.
constexpr binding bind_eliminate() {
  return {[](const scope& s, const value& v) -> std::string {
            (void)made(s);
            const auto& w = std::get<::fairing::config::word>(v);
            if (w.index == 0) return {};
            return fmt::format("`{}` is not in this version of Fairing ({}); write off", w.text,
                               version);
          },
          [](const scope& s) -> value {
            if (!s.root->sql) return std::monostate{};
            return ::fairing::config::word{0, {}};
          }};
}

// clang-format off
std::vector<field> plane_rows() {
  return {
    {.path = "sql", .kind = section, .doc = "The sql plane: a pool of connections between the backend and PostgreSQL.", .present = [](const scope& s) { return s.root->sql.has_value(); }},
    {.path = "sql.listen", .kind = text, .doc = "`PORT` (loopback), `HOST:PORT` or `unix:PATH`; port 0 picks a free one. The backend connects here.", .change = restart, .required = true,
     .bind = bind_sql_listen<&sql_config::listen>()},
    {.path = "sql.session_listen", .kind = text, .doc = "A second listener, always with session pooling: for migrations, dumps and whatever needs a connection of its own.", .change = restart, .fallback = "none",
     .bind = bind_sql_listen<&sql_config::session_listen>()},
    {.path = "sql.upstream", .kind = text, .doc = "`postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=...`, as libpq reads it; a unix socket as `?host=/DIRECTORY`. Its user and password open connections and verify that user's clients.", .required = true, .secret = true,
     .bind = bind_sql_upstream()},
    {.path = "sql.users", .kind = list, .doc = "More users whose clients are let in, each with a password or a SCRAM secret.", .list = users},
    {.path = "sql.users[].name", .kind = text, .doc = "The role in PostgreSQL.", .required = true, .bind = checked<&check_role, &scope::user, &user_config::name>()},
    {.path = "sql.users[].password", .kind = text, .doc = "Its password; or else `scram`.", .secret = true, .bind = bound<&scope::user, &user_config::password>()},
    {.path = "sql.users[].scram", .kind = text, .doc = "Its SCRAM-SHA-256 secret, as `pg_authid.rolpassword` holds it; the password itself is then never known here.", .secret = true,
     .bind = checked<&check_scram, &scope::user, &user_config::scram>()},
    {.path = "sql.auth_query", .kind = text, .doc = "Run as the upstream's user for a client whose user is not listed: `$1` is the name; it gives the name, the secret (SCRAM, md5 or password) and until when it is valid (null: always); without that third column expired roles are let in.", .fallback = "none",
     .bind = checked<&check_auth_query, &scope::root, &config::sql, &sql_config::auth_query>()},
    {.path = "sql.tls", .kind = section, .doc = "Offer TLS to clients; without it they are answered that there is none."},
    {.path = "sql.tls.cert", .kind = text, .doc = "PEM file of the certificate and its chain.", .required = true, .bind = of_sql<&sql_config::tls_cert>()},
    {.path = "sql.tls.key", .kind = text, .doc = "PEM file of the private key.", .required = true, .bind = of_sql<&sql_config::tls_key>()},
    {.path = "sql.changes", .kind = text, .doc = "How writes that bypass Fairing are noticed.", .change = later},
    {.path = "sql.cache", .kind = text, .doc = "A cache of results.", .change = later},
    {.path = "sql.slow", .kind = duration, .doc = "A statement that takes longer is counted as slow and logged.", .most = day_ms, .bind = of_sql<&sql_config::slow>()},
  };
}

std::vector<field> pool_rows() {
  using p = sql_pool_config;
  return {
    {.path = "sql.pool", .kind = section, .doc = "The connections to PostgreSQL: one pool for each user and database, which share `size`.", .shorthand = "size"},
    {.path = "sql.pool.mode", .kind = field_kind::word, .doc = "How long a client keeps a connection: for a transaction, or until it leaves.", .change = restart, .words = "transaction|session", .bind = of_sql<&sql_config::pool, &p::mode>()},
    {.path = "sql.pool.size", .kind = integer, .doc = "Connections to PostgreSQL, over all users and databases; `auto` is database_cores * 2 + spindles.", .least = 1, .most = most_servers, .words = "auto", .bind = of_sql<&sql_config::pool, &p::size>()},
    {.path = "sql.pool.database_cores", .kind = integer, .doc = "Cores of the database's machine; `auto` is this machine's where the database is on it, else 4.", .least = 1, .most = 4096, .words = "auto",
     .bind = of_sql<&sql_config::pool, &p::database_cores>()},
    {.path = "sql.pool.spindles", .kind = integer, .doc = "Disks that can seek at the same time; 1 for an SSD.", .most = 1000, .bind = of_sql<&sql_config::pool, &p::spindles>()},
    {.path = "sql.pool.concurrency", .kind = integer, .doc = "Transactions that run at once, the others wait: of each pool, and of each core that shares a busy one; `auto` finds by trying how many are fastest. One that is pinned or has lasted 10 ms does not count any more.", .least = 1, .most = most_servers, .words = "auto", .bind = of_sql<&sql_config::pool, &p::concurrency>()},
    {.path = "sql.pool.ahead", .kind = field_kind::word, .doc = "While clients wait for a connection, the next ones' statements are sent to one that still works for another, so that PostgreSQL goes on without a pause: up to three that only read, behind one that leaves nothing, for 10 ms at most without an answer. `auto`: with `concurrency: auto`, where trials find it faster. `always`: whenever clients wait.", .words = "never|auto|always", .bind = of_sql<&sql_config::pool, &p::ahead>()},
    {.path = "sql.pool.gather", .kind = boolean, .doc = "While clients wait for a connection, an idle core sleeps up to 0.2 ms longer, so that several answers wake it once; only with `concurrency: auto`, and only where trials find it no slower. `false` for the least latency of everything else on that core.", .bind = of_sql<&sql_config::pool, &p::gather>()},
    {.path = "sql.pool.instances", .kind = integer, .doc = "Fairings with this pool before the same database: instances * size must stay below its max_connections.", .least = 1, .most = 1000, .bind = of_sql<&sql_config::pool, &p::instances>()},
    {.path = "sql.pool.min_idle", .kind = integer, .doc = "Connections kept open ahead of need; of sql.upstream's own user and database before any client comes.", .most = most_servers, .bind = of_sql<&sql_config::pool, &p::min_idle>()},
    {.path = "sql.pool.wait_timeout", .kind = duration, .doc = "How long a client waits for a connection before it gets an error (53300).", .least = 1, .most = day_ms, .bind = of_sql<&sql_config::pool, &p::wait_timeout>()},
    {.path = "sql.pool.idle_timeout", .kind = duration, .doc = "A connection that nobody used for so long is closed, down to min_idle.", .least = 1000, .most = year_ms, .bind = of_sql<&sql_config::pool, &p::idle_timeout>()},
    {.path = "sql.pool.max_lifetime", .kind = duration, .doc = "A connection older than this is replaced when it is free, with jitter.", .least = 1000, .most = year_ms, .bind = of_sql<&sql_config::pool, &p::max_lifetime>()},
    {.path = "sql.pool.max_pinned", .kind = share, .doc = "Share of size, over all users and databases, that clients may keep beyond their transaction (temporary tables, LISTEN, advisory locks); at least one.", .bind = of_sql<&sql_config::pool, &p::max_pinned>()},
    {.path = "sql.pool.max_waiting", .kind = integer, .doc = "Clients of a pool that may wait at a time; more get the error at once.", .least = 1, .most = 1'000'000, .bind = of_sql<&sql_config::pool, &p::max_waiting>()},
  };
}

std::vector<field> limit_rows() {
  using l = sql_limits_config;
  return {
    {.path = "sql.limits", .kind = section, .doc = "The longest and largest things that are taken."},
    {.path = "sql.limits.connect", .kind = duration, .doc = "To open a connection to PostgreSQL, TLS and log-in included.", .least = 1, .most = day_ms, .bind = of_sql<&sql_config::limits, &l::connect>()},
    {.path = "sql.limits.login", .kind = duration, .doc = "A client's start-up and log-in.", .least = 1, .most = day_ms, .bind = of_sql<&sql_config::limits, &l::login>()},
    {.path = "sql.limits.transaction_idle", .kind = duration, .doc = "An open transaction without a statement: 25P03. `0`: no limit.", .most = year_ms, .bind = of_sql<&sql_config::limits, &l::transaction_idle>()},
    {.path = "sql.limits.statement", .kind = duration, .doc = "One statement: 57014; where PostgreSQL does not stop it within as long again, 5 s at least, its connection ends: 08006. `0`: no limit.", .most = year_ms, .bind = of_sql<&sql_config::limits, &l::statement>()},
    {.path = "sql.limits.client_write", .kind = duration, .doc = "A client that takes no byte of its answer for so long is cut off.", .least = 1, .most = day_ms, .bind = of_sql<&sql_config::limits, &l::client_write>()},
    {.path = "sql.limits.connections", .kind = integer, .doc = "Clients at a time.", .least = 1, .most = 1'000'000, .bind = of_sql<&sql_config::limits, &l::connections>()},
    {.path = "sql.limits.statement_size", .kind = size, .doc = "The largest statement of a client in transaction pooling; a parameter's value may be larger.", .least = 64 * kib, .most = gib, .bind = of_sql<&sql_config::limits, &l::statement_bytes>()},
    {.path = "sql.n_plus_one", .kind = section, .doc = "Queries repeated for every row of an earlier result.", .shorthand = "detect"},
    {.path = "sql.n_plus_one.detect", .kind = boolean, .doc = "Look for them and report them.", .bind = of_sql<&sql_config::n_plus_one, &n_plus_one_config::detect>()},
    {.path = "sql.n_plus_one.eliminate", .kind = field_kind::word, .doc = "Answer the repeats from one batched query; only `off` in this version.", .words = "off|strict|bounded", .bind = bind_eliminate()},
    {.path = "sql.n_plus_one.report_from", .kind = integer, .doc = "Repeats that make a report.", .least = 2, .most = 10'000, .bind = of_sql<&sql_config::n_plus_one, &n_plus_one_config::least>()},
    {.path = "sql.advise", .kind = section, .doc = "Index advice from the plans of the heaviest statements, and the pool's size against max_connections, on one short-lived connection as the upstream's user.", .shorthand = "run"},
    {.path = "sql.advise.run", .kind = boolean, .doc = "Look; nothing is executed but EXPLAIN without ANALYZE, and reading the catalogue.", .bind = of_sql<&sql_config::advise, &advise_config::run>()},
    {.path = "sql.advise.every", .kind = duration, .doc = "A look at most so often, and only after new statements.", .least = 1000, .most = day_ms, .bind = of_sql<&sql_config::advise, &advise_config::every>()},
  };
}
// clang-format on

}  // namespace

std::vector<field> sql_rows() {
  std::vector<field> all = plane_rows();
  for (auto part : {pool_rows(), limit_rows()}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace fairing::config::detail
