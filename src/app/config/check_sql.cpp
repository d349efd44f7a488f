#include "app/config/check_sql.hpp"

#include <fmt/format.h>

#include <map>

#include "app/config/address.hpp"
#include "app/config/postgres_url.hpp"
#include "base/ascii.hpp"

namespace fairing::config {

namespace {

class sql_checker {
 public:
  sql_checker(const config& c, const locations& places, diagnostics& errors, diagnostics& notes)
      : c_(c), s_(*c.sql), places_(places), errors_(errors), notes_(notes) {}

  void run() {
    secrets();
    auth_query();
    users();
    listeners();
    upstream();
    pool();
  }

 private:
  void error(const std::string& k, std::string text) {
    errors_.push_back({place_of(places_, k), k, std::move(text)});
  }
  void note(const std::string& k, std::string text) {
    notes_.push_back({place_of(places_, k), k, std::move(text)});
  }
  bool transaction() const { return s_.pool.mode == sql::pool_mode::transaction; }

  // Whose connections can Fairing open, and whose clients can it verify?
  void secrets() {
    const auto& u = s_.upstream;
    if (!s_.auth_query.empty() && u.user.empty())
      error("sql.auth_query",
            "`sql.auth_query` runs as the user of `sql.upstream`, which names none; write "
            "postgres://USER:PASSWORD@... there");
    const bool named = !u.user.empty() || !s_.users.empty() || !s_.auth_query.empty();
    const bool secret = !u.password.empty() || !s_.users.empty() || !s_.auth_query.empty();
    if (!secret && !transaction()) return relayed();
    if (named) {
      if (!u.user.empty() && u.password.empty() && !is_listed(u.user))
        note("sql.upstream",
             fmt::format(
                 "`sql.upstream` has no password for `{}`: this works only where PostgreSQL asks "
                 "for none (pg_hba.conf: trust or peer); else write postgres://{}:PASSWORD@...",
                 u.user, u.user));
      return;
    }
    error("sql.upstream",
          "`sql.upstream` has no user and password, and there are no `sql.users` and no "
          "`sql.auth_query`: then PostgreSQL checks each log-in, which needs session pooling, and "
          "this is transaction pooling; write postgres://USER:PASSWORD@..., or list `sql.users`, "
          "or set `sql.auth_query`, or say `sql.pool.mode: session`; where PostgreSQL asks for no "
          "password the user alone is enough");
  }

  // Each log-in is PostgreSQL's to check.
  void relayed() {
    note("sql.upstream",
         "`sql.upstream` has no password, and there are no `sql.users` and no `sql.auth_query`: "
         "PostgreSQL checks each log-in itself, and each client has a connection of its own while "
         "it is there");
    if (s_.pool.min_idle > 0)
      note("sql.pool.min_idle",
           "`sql.pool.min_idle` opens nothing ahead: without a secret only a client can log in");
    if (!s_.tls_cert.empty() && s_.upstream.ssl != sql::ssl_mode::disable &&
        !s_.upstream.host.starts_with('/'))
      note("sql.tls",
           "`sql.tls` and TLS to PostgreSQL: clients of libpq that use TLS have to connect with "
           "channel_binding=disable, as channel binding cannot pass through Fairing");
  }

  // PostgreSQL looks at VALID UNTIL when somebody logs in; Fairing's servers have logged in already.
  void auth_query() {
    const auto text = to_lower(s_.auth_query);
    const auto reads = [&text](std::string_view word) { return text.find(word) != text.npos; };
    const bool catalogue = reads("pg_shadow") || reads("pg_authid");
    if (!catalogue || reads("valuntil") || reads("rolvaliduntil")) return;
    const bool shadow = reads("pg_shadow");
    note("sql.auth_query",
         fmt::format("`sql.auth_query` does not ask until when a role is valid, so expired roles "
                     "(VALID UNTIL) are let in; write SELECT {} FROM {} WHERE {} = $1",
                     shadow ? "usename, passwd, valuntil" : "rolname, rolpassword, rolvaliduntil",
                     shadow ? "pg_shadow" : "pg_authid", shadow ? "usename" : "rolname"));
  }

  bool is_listed(const std::string& name) const {
    for (const auto& u : s_.users)
      if (u.name == name) return true;
    return false;
  }

  std::string user_key(std::size_t i, std::string_view rest) const {
    const auto numbered = fmt::format("sql.users.{}", i);
    return join(places_.contains(numbered) ? numbered : "sql.users", rest);
  }

  void users() {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < s_.users.size(); ++i) {
      const auto& u = s_.users[i];
      const auto k = user_key(i, "name");
      const auto [first, fresh] = seen.try_emplace(u.name, i);
      if (!fresh)
        error(k, fmt::format("`{}`: `{}` is also user {}; keep one of them", k, u.name,
                             first->second));
      if (u.password.empty() == u.scram.empty())
        error(k, u.password.empty()
                     ? fmt::format("`{}`: `{}` has no secret; give it `password`, or `scram`", k,
                                   u.name)
                     : fmt::format("`{}`: `{}` has both `password` and `scram`; keep one of them",
                                   k, u.name));
      if (u.name == s_.upstream.user && !s_.upstream.password.empty())
        error(k, fmt::format("`{}`: `{}` has its password in `sql.upstream` already; keep one of "
                             "them",
                             k, u.name));
    }
  }

  void listeners() {
    for (const auto& [k, text] :
         {std::pair<std::string, const std::string*>{"sql.listen", &s_.listen},
          {"sql.session_listen", &s_.session_listen}}) {
      const auto a = parse_listen(*text);
      if (!a) continue;
      if (!a->loopback() && s_.tls_cert.empty())
        note(k, fmt::format("`{}` is beyond loopback without `sql.tls`: statements and rows cross "
                            "the network in the clear",
                            k));
      if (leads_to(s_.upstream, *a))
        error(k, fmt::format("`{}` is `sql.upstream` itself; give Fairing a port of its own, such "
                             "as 6432, and point the application there",
                             k));
    }
  }

  void upstream() {
    const auto& u = s_.upstream;
    if (!u.ssl_root.empty() && u.ssl == sql::ssl_mode::disable)
      note("sql.upstream",
           "`sql.upstream` has an sslrootcert, and sslmode=disable never looks at it");
    const bool beyond = !u.host.starts_with('/') && !listen_address{u.host, u.port, {}}.loopback();
    const bool may_be_plain = u.ssl < sql::ssl_mode::require;
    if (beyond && may_be_plain && !u.password.empty())
      note("sql.upstream",
           fmt::format("`sql.upstream` is another machine and may be reached without TLS; add "
                       "sslmode=verify-full, or require"));
    if (!c_.sql_ignored_options.empty())
      note("sql.upstream",
           fmt::format("`sql.upstream`: {} {} for the application's driver and left alone",
                       fmt::join(c_.sql_ignored_options, ", "),
                       c_.sql_ignored_options.size() == 1 ? "is" : "are"));
  }

  void pool() {
    const auto& p = s_.pool;
    if (p.size && p.min_idle > *p.size)
      error("sql.pool.min_idle",
            fmt::format("`sql.pool.min_idle` ({}) is more than `sql.pool.size` ({}); lower it or "
                        "raise that",
                        p.min_idle, *p.size));
    if (p.size && places_.contains("sql.pool.database_cores"))
      note("sql.pool.size",
           "`sql.pool.size` is said, so `sql.pool.database_cores` changes nothing; write size: "
           "auto to use it");
    if (transaction() && p.max_pinned >= 1)
      note("sql.pool.max_pinned",
           "`sql.pool.max_pinned` is the whole pool: clients that keep connections can starve all "
           "others");
    if (s_.limits.connect > p.wait_timeout)
      note("sql.limits.connect",
           "`sql.limits.connect` is longer than `sql.pool.wait_timeout`, which ends the wait for a "
           "new connection first");
  }

  const config& c_;
  const sql::sql_config& s_;
  const locations& places_;
  diagnostics& errors_;
  diagnostics& notes_;
};

}  // namespace

void check_sql(const config& c, const locations& places, diagnostics& errors, diagnostics& notes) {
  if (c.sql) sql_checker(c, places, errors, notes).run();
}

}  // namespace fairing::config
