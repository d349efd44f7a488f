// Opening, the lock, batches; queues, names, facts.
#include "jobs/store/postgres/postgres_store.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include "base/clock.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/store/postgres/schema.hpp"

namespace fairing::jobs {

namespace postgres {

namespace {

constexpr std::string_view erased_fact = "erased up to";
// "Fair", "jobs": the lock of the plane in its database.
constexpr const char* lock_keys = "1180789106, 1785684595";

// Who has the lock. That session may have ended since.
constexpr const char* holder_text =
    "SELECT a.application_name || ' (process ' || a.pid || coalesce(' of ' || host(a.client_addr), "
    "'') || ')' FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.granted AND l.classid = 1180789106 AND l.objid = 1785684595 LIMIT 1";

// Each look-up has an index of its own, whatever the statistics say of tables that were empty a moment ago. The rest is
// for the server to notice that this end is gone, frozen or cut off.
constexpr const char* manners_text =
    "SET search_path = pg_catalog; SET enable_seqscan = off; SET enable_bitmapscan = off; "
    "SET plan_cache_mode = force_generic_plan; SET jit = off; SET bytea_output = hex; "
    "SET lock_timeout = '10s'; SET statement_timeout = '25s'; "
    "SET idle_in_transaction_session_timeout = '15s'; SET idle_session_timeout = '15s'; "
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; "
    "SELECT CASE WHEN current_setting('synchronous_commit') = 'off' THEN "
    "set_config('synchronous_commit', 'on', false) END";

std::string session_name() {
  std::array<char, 65> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return "fairing jobs " + std::string(host.data()) + " " + std::to_string(::getpid());
}

}  // namespace

postgres_store::postgres_store(postgres_options o, session s) noexcept
    : options_(std::move(o)), session_(std::move(s)) {}

postgres_store::~postgres_store() { rollback(); }

result<void> postgres_store::start() {
  if (auto r = session_.execute(manners_text); !r) return std::unexpected(r.error());
  if (auto r = take_lock(); !r) return r;
  if (auto r = prepare_schema(session_); !r) return r;
  const auto texts = statement_texts();
  if (auto r = session_.prepare(texts); !r) return r;
  if (auto r = read_erased(); !r) return r;
  notices_ = std::make_unique<notices>(options_.url);
  return {};
}

result<void> postgres_store::take_lock() {
  const auto got =
      session_.execute(std::string("SELECT pg_try_advisory_lock(") + lock_keys + ")::text");
  if (!got) return std::unexpected(got.error());
  if (got->bytes(0, 0) == "true") return {};
  const auto holder = session_.execute(holder_text);
  const auto who = holder && holder->size() == 1 ? std::string(holder->bytes(0, 0))
                                                 : std::string("another instance");
  return fail(
      errc::standby,
      who + " has the jobs of this database: ask that one; this one takes over when it ends");
}

result<rows> postgres_store::ask(sql which, const params& p) {
  return session_.ask(static_cast<std::size_t>(which), p);
}
result<void> postgres_store::send(sql which, const params& p, bool one_row) {
  return session_.send(static_cast<std::size_t>(which), p, one_row);
}

result<void> postgres_store::begin() { return session_.begin(); }
result<void> postgres_store::commit() { return session_.commit(); }
void postgres_store::rollback() noexcept {
  session_.rollback();
  damaged_.clear();
  (void)read_erased();
}

result<void> postgres_store::read_erased() {
  const auto found = fact(erased_fact);
  if (!found) return std::unexpected(found.error());
  const auto& text = found.value();
  erased_up_to_ = text ? id_from(*text).value_or(0) : 0;
  return {};
}

// Ids must go up although the job with the largest is gone and the wall clock was set back.
result<void> postgres_store::raise_last_id(job_id id) {
  if (id <= erased_up_to_) return {};
  erased_up_to_ = id;
  return set_fact(erased_fact, id_text(id));
}

// ---- queues

result<std::vector<queue_row>> postgres_store::queues() {
  const auto r = ask(sql::queues, {});
  if (!r) return std::unexpected(r.error());
  std::vector<queue_row> out;
  for (int i = 0; i < r->size(); ++i)
    out.push_back({static_cast<std::uint32_t>(r->number(i, 0)), std::string(r->bytes(i, 1)),
                   r->number(i, 2) != 0, std::string(r->bytes(i, 3))});
  return out;
}

result<std::uint32_t> postgres_store::add_queue(std::string_view name) {
  for (const auto which : {sql::find_queue, sql::add_queue}) {
    const auto r = ask(which, params().add(name));
    if (!r) return std::unexpected(r.error());
    if (r->size() == 1) return static_cast<std::uint32_t>(r->number(0, 0));
  }
  return fail(errc::store_failed, "the job store (PostgreSQL): a queue got no number");
}

result<void> postgres_store::save_queue(const queue_row& q) {
  return send(sql::save_queue,
              params().add(std::int64_t{q.number}).add(q.paused ? 1 : 0).add(q.attributes));
}

result<void> postgres_store::drop_queue(std::uint32_t number) {
  const auto which = params().add(std::int64_t{number});
  const auto last = first_number(sql::last_of_queue, which);
  if (!last) return std::unexpected(last.error());
  const auto n = std::to_string(number);
  const auto names = {"q:" + n, "u:" + n};
  if (auto r = send(sql::drop_jobs, which); !r) return r;
  if (auto r = send(sql::drop_names, params().add(*names.begin()).add(*(names.begin() + 1))); !r)
    return r;
  if (auto r = send(sql::drop_failures, which); !r) return r;
  if (auto r = send(sql::drop_number, which); !r) return r;
  const auto& largest = last.value();
  return largest ? raise_last_id(from_sql(*largest)) : result<void>{};
}

// ---- names

result<std::optional<unique_row>> postgres_store::find_unique(std::string_view scope,
                                                              std::string_view name) {
  const auto r = ask(sql::find_unique, params().add(scope).add(name));
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0) return std::nullopt;
  return unique_row{from_sql(r->number(0, 0)), std::string(r->bytes(0, 1)), r->number(0, 2)};
}

result<void> postgres_store::put_unique(std::string_view scope, std::string_view name,
                                        const unique_row& u) {
  return send(
      sql::put_unique,
      params().add(scope).add(name).add(to_sql(u.job)).add(u.fingerprint).add(u.expires_ms));
}

result<void> postgres_store::drop_unique(std::string_view scope, std::string_view name) {
  return send(sql::drop_unique, params().add(scope).add(name));
}

result<std::uint64_t> postgres_store::drop_uniques_before(std::int64_t wall_ms, std::size_t most) {
  const auto r = ask(sql::drop_uniques, params().add(wall_ms).add(static_cast<std::int64_t>(most)));
  if (!r) return std::unexpected(r.error());
  return r->changed();
}

// ---- facts

result<std::optional<std::string>> postgres_store::fact(std::string_view name) {
  const auto r = ask(sql::fact, params().add(name));
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0) return std::nullopt;
  return std::string(r->bytes(0, 0));
}

result<std::vector<std::pair<std::string, std::string>>> postgres_store::facts(
    std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  const auto r = ask(sql::facts, params().add(prefix).add(end));
  if (!r) return std::unexpected(r.error());
  std::vector<std::pair<std::string, std::string>> out;
  for (int i = 0; i < r->size(); ++i)
    out.emplace_back(std::string(r->bytes(i, 0)), std::string(r->bytes(i, 1)));
  return out;
}

result<void> postgres_store::set_fact(std::string_view name, std::string_view value) {
  return send(sql::set_fact, params().add(name).add(value));
}

result<void> postgres_store::drop_fact(std::string_view name) {
  return send(sql::drop_fact, params().add(name));
}

}  // namespace postgres

result<std::unique_ptr<store>> open_postgres(const postgres_options& o) {
  auto connection = postgres::session::open(o.url, postgres::session_name());
  if (!connection) return std::unexpected(connection.error());
  auto s = std::make_unique<postgres::postgres_store>(o, std::move(*connection));
  if (auto r = s->start(); !r) return std::unexpected(r.error());
  return s;
}

}  // namespace fairing::jobs
