#include "sql/session/console.hpp"

#include <array>
#include <functional>

#include "base/ascii.hpp"
#include "base/version.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "net/alarm.hpp"
#include "net/event.hpp"
#include "sql/session/client.hpp"
#include "sql/session/pool.hpp"
#include "sql/session/skipper.hpp"

namespace fairing::sql {

using pgwire::client_type;
using pgwire::header_bytes;
using pgwire::sqlstate;
using pgwire::transaction_status;

namespace {
constexpr std::uint32_t text_oid = 25;
constexpr std::size_t longest_query = 16 * 1024;

using row = std::vector<std::string>;
struct table {
  std::vector<std::string_view> columns;
  std::vector<row> rows;
};
using collect = std::function<void(core_part&, std::vector<row>&)>;

std::string number(std::uint64_t n) { return std::to_string(n); }
std::string ms_of(std::uint64_t us) { return std::to_string(us / 1000); }

std::string_view mode_of(const sql_pool& p) {
  return p.transaction_mode() ? "transaction" : "session";
}

void pool_rows(core_part& part, std::vector<row>& to) {
  for (const auto& p : part.pools) {
    const auto s = p->live();
    to.push_back({p->key.database, p->key.user, std::string(mode_of(*p)), number(s.clients),
                  number(s.waiting), number(s.size), number(s.idle), number(s.leased),
                  number(s.pinned), number(s.opening), ms_of(s.totals.max_wait_us),
                  p->last_error().message, s.paused ? "1" : "0"});
  }
}

void client_rows(core_part& part, std::vector<row>& to) {
  for (const auto& p : part.pools)
    for (const auto& [id, c] : p->clients())
      to.push_back({number(id), c->database(), c->user(), c->address(), std::string(c->state()),
                    std::string(mode_of(*p)), c->leased() ? number(c->leased()->key.pid) : ""});
}

void server_rows(core_part& part, std::vector<row>& to) {
  const auto t = pool_now();
  for (const auto& p : part.pools)
    for (const auto& s : p->servers()) {
      std::string pins;
      for (std::size_t i = 0; i < pool::pin_reasons; ++i)
        if (const auto r = static_cast<pool::pin_reason>(i); s->pinned_for(r))
          pins += (pins.empty() ? "" : ",") + std::string(pool::name(r));
      const auto age = std::chrono::duration_cast<seconds>(t - s->opened_at()).count();
      to.push_back({number(s->key.pid), s->user ? s->user->database() : p->key.database,
                    s->user ? s->user->user() : p->key.user, std::string(pool::name(s->state())),
                    std::to_string(age), number(s->leases()), number(s->session.prepared.size()),
                    pins, s->user ? number(s->user->id()) : ""});
    }
}

void stat_rows(core_part& part, std::vector<row>& to) {
  for (const auto& p : part.pools) {
    const auto s = p->live();
    const auto& t = s.totals;
    to.push_back({p->key.database, p->key.user,
                  number(p->queries.value() + p->queries_failed.value()), number(t.granted),
                  number(t.waited), ms_of(t.wait_us), ms_of(t.max_wait_us), ms_of(t.held_us),
                  number(t.opened), number(t.open_failed), number(t.closed), number(t.refused),
                  number(t.pins_refused)});
  }
}

// Runs `f` on every core and gathers its rows.
net::task<std::vector<row>> gather(core_part& part, collect f) {
  struct shared {
    explicit shared(net::core& c) : done(c) {}
    net::event done;
    std::mutex mutex;
    std::vector<row> rows;
    std::size_t left = 0;
  };
  const auto all = std::make_shared<shared>(part.core);
  const auto& parts = part.plane.parts_;
  all->left = parts.size();
  for (const auto& each : parts)
    each->core.post([all, f, p = each.get(), wake = all->done.make_waker()] {
      std::vector<row> mine;
      f(*p, mine);
      const std::lock_guard lock(all->mutex);
      for (auto& r : mine) all->rows.push_back(std::move(r));
      if (--all->left == 0) wake();
    });
  co_await all->done.wait();
  co_return std::move(all->rows);
}

struct command {
  std::string_view name;
  std::vector<std::string_view> columns;
  collect rows;
};

const std::vector<command>& commands() {
  static const std::vector<command> all{
      {"POOLS",
       {"database", "user", "mode", "clients", "waiting", "size", "idle", "leased", "pinned",
        "opening", "max_wait_ms", "last_error", "paused"},
       pool_rows},
      {"CLIENTS",
       {"id", "database", "user", "address", "state", "mode", "server_pid"},
       client_rows},
      {"SERVERS",
       {"pid", "database", "user", "state", "age_s", "leases", "prepared", "pins", "client_id"},
       server_rows},
      {"STATS",
       {"database", "user", "queries", "leases", "waits", "wait_ms", "max_wait_ms", "held_ms",
        "opened", "open_failed", "closed", "refused", "pins_refused"},
       stat_rows},
  };
  return all;
}

void append_table(std::string& out, const table& t) {
  std::vector<pgwire::column_view> columns;
  for (const auto name : t.columns) columns.push_back({.name = name, .type = text_oid});
  (void)pgwire::append_row_description(out, columns);
  for (const auto& r : t.rows) {
    std::vector<pgwire::value_view> values;
    for (const auto& v : r) values.push_back({v, false});
    (void)pgwire::append_data_row(out, values);
  }
  pgwire::append_command_complete(out, "SHOW");
}

constexpr std::array<std::string_view, 3> orders{"PAUSE", "RESUME", "RECONNECT"};
constexpr milliseconds pause_limit{60'000};
constexpr milliseconds pause_look{50};

// How many servers a database ("": all) has: in a pause those in use, as the idle ones are closed.
net::task<std::size_t> in_use(core_part& part, std::string database) {
  const collect count = [database](core_part& each, std::vector<row>& to) {
    for (const auto& p : each.pools)
      if (database.empty() || p->key.database == database)
        to.insert(to.end(), p->machine().size(), row{});
  };
  const auto rows = co_await gather(part, count);
  co_return rows.size();
}

// An order that would do nothing is an error: false, and said.
bool makes_sense(const plane_state& plane, std::string_view order, const std::string& database,
                 std::string& out) {
  if (database.empty()) return true;
  const bool resumed = order == "RESUME";
  if (resumed && plane.paused_itself(database)) return true;
  if (!plane.has_database(database)) {
    pgwire::append_error(out, {.code = sqlstate::undefined_database,
                               .message = "no such database: " + database,
                               .hint = "SHOW POOLS lists those that clients have asked for"});
    return false;
  }
  if (!resumed || !plane.paused(database)) return true;
  pgwire::append_error(out, {.code = sqlstate::invalid_parameter_value,
                             .message = "it is paused with all others",
                             .hint = "RESUME without a name ends that"});
  return false;
}

// Of a database, or of all. What is to be said, without ReadyForQuery.
net::task<std::string> obey(core_part& part, std::string_view order, std::string database) {
  std::string out;
  auto& plane = part.plane;
  if (!makes_sense(plane, order, database, out)) co_return out;
  if (order == "RECONNECT") {
    for (const auto& p : plane.pools())
      if (database.empty() || p->key.database == database)
        p->home.core.post([p] { p->reconnect(); });
  } else {
    plane.pause(database, order == "PAUSE");
  }
  // Answered when the pools have done it: what a client says after the answer is said to them as they are then.
  (void)co_await gather(part, [](core_part& /*each*/, std::vector<row>& /*to*/) {});
  const auto until = now().mono + pause_limit;
  while (order == "PAUSE") {
    const auto left = co_await in_use(part, database);
    if (left == 0) break;
    if (now().mono >= until) {
      pgwire::append_error(
          out,
          {.code = sqlstate::query_canceled,
           .message = "it is paused, but " + std::to_string(left) + " servers are in use still",
           .hint = "SHOW CLIENTS tells who holds them; RESUME ends the pause"});
      co_return out;
    }
    net::event over(part.core);
    const net::alarm bell(part.core, over.make_waker(), now().mono + pause_look);
    co_await over.wait();
  }
  pgwire::append_command_complete(out, order);
  co_return out;
}

// The order that a text is, and the database it names; empty: none.
std::string_view order_of(std::string_view text, std::string& database) {
  const auto end = text.find(' ');
  for (const auto order : orders) {
    if (!iequals(text.substr(0, end), order)) continue;
    auto name = end == text.npos ? std::string_view() : text.substr(end + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    if (name.size() > 1 && name.front() == '"' && name.back() == '"')
      name = name.substr(1, name.size() - 2);
    database = name;
    return order;
  }
  return {};
}

net::task<std::string> answer(core_part& part, std::string text, bool rules) {
  while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n'))
    text.pop_back();
  std::string out;
  if (text.empty()) {
    pgwire::append_empty_query_response(out);
    co_return out;
  }
  std::string_view what = text;
  if (what.size() > 5 && iequals(what.substr(0, 5), "show ")) {
    what.remove_prefix(5);
    while (what.starts_with(' ')) what.remove_prefix(1);
    for (const auto& c : commands())
      if (iequals(what, c.name)) {
        auto rows = co_await gather(part, c.rows);
        append_table(out, {c.columns, std::move(rows)});
        co_return out;
      }
    if (iequals(what, "VERSION")) {
      append_table(out, {{"version"}, {{"Fairing " + std::string(version)}}});
      co_return out;
    }
    if (iequals(what, "HELP")) {
      table help{{"command"}, {}};
      for (const auto& c : commands()) help.rows.push_back({"SHOW " + std::string(c.name)});
      help.rows.push_back({"SHOW VERSION"});
      for (const auto order : orders) help.rows.push_back({std::string(order) + " [DATABASE]"});
      append_table(out, help);
      co_return out;
    }
  }
  std::string database;
  if (const auto order = order_of(text, database); !order.empty()) {
    if (rules) {
      auto said = co_await obey(part, order, std::move(database));
      co_return said;
    }
    pgwire::append_error(out, {.code = sqlstate::insufficient_privilege,
                               .message = "only the user of sql.upstream may do this"});
    co_return out;
  }
  pgwire::append_error(out, {.code = sqlstate::syntax_error,
                             .message = "not a command of Fairing's console",
                             .hint = "SHOW HELP lists them; for SQL, connect to another database"});
  co_return out;
}

std::string welcome(std::string greeting) {
  auto& out = greeting;
  pgwire::append_authentication_ok(out);
  pgwire::append_parameter_status(out, "server_version", "15.0 (Fairing)");
  pgwire::append_parameter_status(out, "server_encoding", "UTF8");
  pgwire::append_parameter_status(out, "client_encoding", "UTF8");
  pgwire::append_parameter_status(out, "standard_conforming_strings", "on");
  pgwire::append_parameter_status(out, "DateStyle", "ISO, MDY");
  pgwire::append_parameter_status(out, "TimeZone", "UTC");
  pgwire::append_ready_for_query(out, transaction_status::idle);
  return out;
}
}  // namespace

net::task<void> run_console(core_part& part, net::stream& s, std::string greeting,
                            std::string bytes, bool rules) {
  const auto greeted = welcome(std::move(greeting));
  auto ec = co_await s.write(greeted);
  skipper skip;
  while (!ec) {
    std::string out;
    bytes.erase(0, skip.active() ? skip.skip(bytes) : 0);
    if (skip.ready()) pgwire::append_ready_for_query(out, transaction_status::idle);
    bool more = skip.active() || bytes.size() < header_bytes;
    if (!more) {
      const auto size = pgwire::load_u32(bytes.data() + 1) + 1UL;
      const auto type = static_cast<client_type>(bytes[0]);
      if (size < header_bytes || size > longest_query || type == client_type::terminate) co_return;
      more = bytes.size() < size;
      if (!more && type == client_type::query) {
        const auto sql =
            pgwire::read_query(std::string_view(bytes).substr(header_bytes, size - header_bytes));
        std::string query(sql.value_or(""));
        bytes.erase(0, size);
        auto said = co_await answer(part, std::move(query), rules);
        out += said;
        pgwire::append_ready_for_query(out, transaction_status::idle);
      } else if (!more && type == client_type::sync) {
        bytes.erase(0, size);
        pgwire::append_ready_for_query(out, transaction_status::idle);
      } else if (!more) {
        pgwire::append_error(out, {.code = sqlstate::feature_not_supported,
                                   .message = "Fairing's console knows simple queries only"});
        skip.begin();
      }
    }
    if (!out.empty()) ec = co_await s.write(out);
    if (!more || ec) continue;
    const auto r = co_await s.read_some(part.scratch);
    if (!r.ok() || r.bytes == 0) co_return;
    bytes.append(part.scratch.data(), r.bytes);
  }
}

}  // namespace fairing::sql
