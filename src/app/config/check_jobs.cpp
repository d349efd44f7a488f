#include "app/config/check_jobs.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "app/config/address.hpp"
#include "app/config/postgres_url.hpp"
#include "base/timestamp.hpp"
#include "jobs/logic/cron.hpp"

namespace fairing::config {

namespace {

constexpr std::string_view sqlite_word = "sqlite:";

class jobs_checker {
 public:
  jobs_checker(const config& c, const locations& places, diagnostics& errors, diagnostics& notes)
      : c_(c), j_(*c.jobs), places_(places), errors_(errors), notes_(notes) {}

  void run() {
    listener();
    store();
    access_keys();
    std::map<std::string, std::size_t> seen;
    std::map<std::string, std::string> crons;
    for (std::size_t i = 0; i < j_.queues.size(); ++i) queue(i, seen, crons);
  }

 private:
  void error(const std::string& k, std::string text) {
    errors_.push_back({place_of(places_, k), k, std::move(text)});
  }
  void note(const std::string& k, std::string text) {
    notes_.push_back({place_of(places_, k), k, std::move(text)});
  }
  std::string key(std::size_t i, std::string_view rest) const {
    const auto numbered = fmt::format("jobs.queues.{}", i);
    return join(places_.contains(numbered) ? numbered : "jobs.queues", rest);
  }

  void listener() {
    const auto a = parse_listen(j_.listen);
    if (!a || a->loopback()) return;
    if (j_.token.empty())
      error("jobs.listen",
            fmt::format("`jobs.listen` ({}) is beyond loopback and there is no `jobs.token`: "
                        "anybody could enqueue and lease; set `jobs.token`, or listen on loopback",
                        j_.listen));
    else
      note("jobs.listen",
           "`jobs.listen` is beyond loopback: payloads and the token cross the network in the "
           "clear; put TLS before it");
  }

  void store() {
    if (c_.instance.count > 1 && j_.store.starts_with(sqlite_word))
      error("jobs.store",
            fmt::format("`jobs.store` is a SQLite file, which one instance owns, and "
                        "`instance.count` is {}: two would give the same job twice; run the jobs "
                        "plane in one instance",
                        c_.instance.count));
    through_own_plane();
    folder();
  }

  // The store's connection would wait for a pool whose commits wait for the store, and it keeps a lock of its session.
  void through_own_plane() {
    std::string problem;
    const auto url = parse_postgres_url(j_.store, problem);
    if (!c_.sql || !url) return;
    for (const auto& [k, text] :
         {std::pair<std::string_view, const std::string*>{"sql.listen", &c_.sql->listen},
          {"sql.session_listen", &c_.sql->session_listen}})
      if (const auto a = parse_listen(*text); a && leads_to(url->upstream, *a))
        error("jobs.store",
              fmt::format("`jobs.store` is `{}` of this instance; the job store needs a direct "
                          "connection: name PostgreSQL's own address",
                          k));
  }

  void folder() {
    if (!j_.store.starts_with(sqlite_word)) return;
    const auto parent = std::filesystem::path(j_.store.substr(sqlite_word.size())).parent_path();
    std::error_code ignored;
    if (!parent.empty() && !std::filesystem::is_directory(parent, ignored))
      note("jobs.store", fmt::format("`jobs.store`: there is no directory {} here: a start fails "
                                     "until there is",
                                     parent.string()));
  }

  void access_keys() {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < j_.sqs.access_keys.size(); ++i) {
      const auto& id = j_.sqs.access_keys[i].id;
      const auto [first, fresh] = seen.try_emplace(id, i);
      const auto where = fmt::format("jobs.sqs.access_keys.{}.id", i);
      if (!fresh)
        error(where, fmt::format("`{}`: key {} is also `{}`; an id has one secret", where,
                                 first->second, id));
    }
  }

  void queue(std::size_t i, std::map<std::string, std::size_t>& seen,
             std::map<std::string, std::string>& crons) {
    const auto& q = j_.queues[i];
    const auto [first, fresh] = seen.try_emplace(q.name, i);
    if (!fresh)
      error(key(i, "name"), fmt::format("`{}`: queue {} is also `{}`; keep one of them",
                                        key(i, "name"), first->second, q.name));
    const auto at_a_time = q.key_concurrency.value_or(1);
    if (q.name.ends_with(".fifo") && at_a_time != 1)
      error(key(i, "key_concurrency"),
            fmt::format("`{}` is {}, and a queue that ends in .fifo gives one job of a key at a "
                        "time; leave it out, or rename the queue",
                        key(i, "key_concurrency"), at_a_time));
    if (!q.secret.empty() && q.push.empty())
      note(key(i, "secret"),
           fmt::format("`{}` signs pushes, and queue {} has no `push`: nothing is signed",
                       key(i, "secret"), q.name));
    verify(i);
    for (std::size_t n = 0; n < q.cron.size(); ++n) {
      const auto k = key(i, fmt::format("cron.{}.name", n));
      const auto [other, unique] = crons.try_emplace(q.cron[n].name, k);
      if (!unique)
        error(k, fmt::format("`{}`: `{}` is also `{}`; a cron name stands for one schedule", k,
                             q.cron[n].name, other->second));
      comes(q.cron[n], key(i, fmt::format("cron.{}.schedule", n)));
    }
  }

  void comes(const jobs::cron_config& c, const std::string& k) {
    const auto schedule = jobs::cron_schedule::parse(c.schedule, c.zone);
    if (schedule && !schedule->next_after(unix_ms()))
      note(k, fmt::format("`{}`: `{}` names a day that never comes: no job is put", k, c.schedule));
  }

  void verify(std::size_t i) {
    const auto& q = j_.queues[i];
    const auto k = key(i, "verify_idempotency");
    if (q.verify_idempotency <= 0) return;
    for (const auto& site : c_.http)
      for (const auto& route : site.routes)
        if (route.async && route.async->mode != http::async_mode::never &&
            route.async->queue == q.name)
          error(k,
                fmt::format("`{}`: the jobs of queue {} are requests of clients, which run once; "
                            "leave it out",
                            k, q.name));
    if (!c_.sql)
      note(k, fmt::format("`{}` compares the SQL writes that the sql plane sees, and there is no "
                          "`sql`: jobs are run twice and nothing is seen",
                          k));
  }

  const config& c_;
  const jobs::jobs_config& j_;
  const locations& places_;
  diagnostics& errors_;
  diagnostics& notes_;
};

}  // namespace

void check_jobs(const config& c, const locations& places, diagnostics& errors, diagnostics& notes) {
  if (c.jobs) jobs_checker(c, places, errors, notes).run();
}

}  // namespace fairing::config
