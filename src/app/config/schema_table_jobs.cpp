// The rows of the jobs plane, and the bindings of those whose text means more than one member.
#include <fmt/format.h>

#include "app/config/address.hpp"
#include "app/config/jobs_words.hpp"
#include "app/config/postgres_url.hpp"
#include "app/config/schema_bind.hpp"
#include "app/config/schema_set.hpp"

namespace fairing::config::detail {

namespace {

using enum field_kind;
using enum change_kind;
using jobs::cron_config;
using jobs::jobs_config;
using jobs::queue_config;
using jobs::sqs_config;

constexpr std::uint64_t day_ms = 24ULL * 3600 * 1000;
constexpr std::uint64_t year_ms = 365 * day_ms;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;

template <auto... M>
constexpr binding of_jobs() {
  return bound<&scope::root, &config::jobs, M...>();
}
template <auto... M>
constexpr binding of_queue() {
  return bound<&scope::queue, M...>();
}

jobs_config& made(const scope& s) { return s.root->jobs ? *s.root->jobs : s.root->jobs.emplace(); }

constexpr elements queues = {
    [](const scope& s) { return s.root->jobs ? s.root->jobs->queues.size() : 0; },
    [](const scope& s, std::size_t i) {
      auto& all = made(s).queues;
      if (i == all.size()) all.emplace_back();
      return scope{.root = s.root, .queue = &all[i]};
    }};
constexpr elements crons = {[](const scope& s) { return s.queue->cron.size(); },
                            [](const scope& s, std::size_t i) {
                              auto& all = s.queue->cron;
                              if (i == all.size()) all.emplace_back();
                              return scope{.root = s.root, .queue = s.queue, .cron = &all[i]};
                            }};

constexpr elements access_keys = {
    [](const scope& s) { return s.root->jobs ? s.root->jobs->sqs.access_keys.size() : 0; },
    [](const scope& s, std::size_t i) {
      auto& all = made(s).sqs.access_keys;
      if (i == all.size()) all.emplace_back();
      return scope{.root = s.root, .key = &all[i]};
    }};

constexpr binding bind_jobs_listen() {
  return {[](const scope& s, const value& v) -> std::string {
            if (auto why = check_listen(v); !why.empty()) return why;
            made(s).listen = to_text(*parse_listen(std::get<std::string>(v)));
            return {};
          },
          [](const scope& s) -> value {
            if (!s.root->jobs) return std::monostate{};
            return s.root->jobs->listen;
          }};
}

constexpr binding bind_jobs_store() {
  return {[](const scope& s, const value& v) -> std::string {
            return read_store(std::get<std::string>(v), made(s).store);
          },
          [](const scope& s) -> value {
            if (!s.root->jobs) return std::monostate{};
            return s.root->jobs->store;
          },
          [](const scope& s) -> value {
            if (!s.root->jobs) return std::monostate{};
            const auto& store = s.root->jobs->store;
            return is_postgres_store(store) ? masked(store) : store;
          }};
}

// The ladder: durations in a list.
constexpr binding bind_attempts() {
  return {[](const scope& s, const value& v) -> std::string {
            const auto& texts = std::get<std::vector<std::string>>(v);
            std::vector<milliseconds> steps;
            steps.reserve(texts.size());
            for (const auto& text : texts) {
              const auto d = parse_duration(text);
              if (!d) return fmt::format("`{}` is no duration; write [0s, 1m, 5m, 30m]", text);
              steps.push_back(*d);
            }
            if (steps.empty() || steps.size() > 32)
              return "needs 1 to 32 steps, one for each attempt: [0s, 1m, 5m, 30m]";
            s.queue->attempts = std::move(steps);
            return {};
          },
          [](const scope& s) -> value {
            std::vector<std::string> out;
            out.reserve(s.queue->attempts.size());
            for (const auto step : s.queue->attempts) out.push_back(format_duration(step));
            return out;
          }};
}

// clang-format off
std::vector<field> plane_rows() {
  return {
    {.path = "jobs", .kind = section, .doc = "The jobs plane: durable queues with leases, retries and dead letters.", .present = [](const scope& s) { return s.root->jobs.has_value(); }},
    {.path = "jobs.listen", .kind = text, .doc = "`PORT` (loopback), `HOST:PORT` or `unix:PATH`; port 0 picks a free one. The API is under `/v1/`.", .change = restart, .required = true,
     .bind = bind_jobs_listen()},
    {.path = "jobs.token", .kind = text, .doc = "The bearer token of every request, at least 16 characters; beyond loopback there must be one.", .change = restart, .secret = true, .fallback = "none",
     .bind = checked<&check_token, &scope::root, &config::jobs, &jobs_config::token>()},
    {.path = "jobs.store", .kind = text, .doc = "Where jobs live: `sqlite:PATH`, a file that only this instance opens, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, schema `fairing`, where other instances stand by.", .change = restart, .required = true, .secret = true,
     .bind = bind_jobs_store()},
    {.path = "jobs.create_queues", .kind = boolean, .doc = "A queue that is not listed appears when something is put into it or a worker asks for its jobs; 10,000 at most.", .bind = of_jobs<&jobs_config::create_queues>()},
    {.path = "jobs.disk_reserve", .kind = size, .doc = "Free bytes that the store leaves; beyond that enqueueing answers 507.", .most = 1024 * gib, .bind = of_jobs<&jobs_config::disk_reserve>()},
    {.path = "jobs.max_jobs", .kind = integer, .doc = "Unfinished jobs, over all queues; beyond that enqueueing answers 507.", .least = 1, .most = 10'000'000'000, .bind = of_jobs<&jobs_config::max_jobs>()},
    {.path = "jobs.sqs", .kind = section, .doc = "The SQS API on the same listener, at `/` and `/ACCOUNT/QUEUE`."},
    {.path = "jobs.sqs.access_keys", .kind = list, .doc = "Who may sign SQS requests; without keys signatures are not looked at.", .list = access_keys},
    {.path = "jobs.sqs.access_keys[].id", .kind = text, .doc = "The access key id.", .required = true, .bind = checked<&check_access_key_id, &scope::key, &sqs_config::key::id>()},
    {.path = "jobs.sqs.access_keys[].secret", .kind = text, .doc = "The secret access key, 16 to 128 characters.", .required = true, .secret = true,
     .bind = checked<&check_access_key_secret, &scope::key, &sqs_config::key::secret>()},
    {.path = "jobs.sqs.url", .kind = text, .doc = "What queue URLs begin with, as in `https://sqs.example.com`: for clients that come through a proxy.", .fallback = "http:// and the Host of the request",
     .bind = checked<&check_sqs_url, &scope::root, &config::jobs, &jobs_config::sqs, &sqs_config::url>()},
    {.path = "jobs.sqs.region", .kind = text, .doc = "The region in ARNs; signatures may be for any.", .bind = checked<&check_region, &scope::root, &config::jobs, &jobs_config::sqs, &sqs_config::region>()},
    {.path = "jobs.sqs.account", .kind = text, .doc = "The account in queue URLs and ARNs, 12 digits.", .bind = checked<&check_account, &scope::root, &config::jobs, &jobs_config::sqs, &sqs_config::account>()},
    {.path = "jobs.sqs.max_delay", .kind = duration, .doc = "The longest `DelaySeconds` of a message; AWS has 15 minutes.", .least = 1000, .most = year_ms, .bind = of_jobs<&jobs_config::sqs, &sqs_config::max_delay>()},
  };
}

std::vector<field> queue_rows() {
  using q = queue_config;
  return {
    {.path = "jobs.queues", .kind = list, .doc = "The queues; one that is not listed has the defaults.", .shorthand = "name", .list = queues},
    {.path = "jobs.queues[].name", .kind = text, .doc = "`[A-Za-z0-9._-]`, 80 at most; one that ends in `.fifo` gives one job of a key at a time, in order.", .required = true,
     .bind = checked<&check_queue_name, &scope::queue, &q::name>()},
    {.path = "jobs.queues[].push", .kind = text, .doc = "A URL that each job is POSTed to; its answer is the job's end. Workers then need not lease.", .fallback = "workers lease",
     .bind = checked<&check_push, &scope::queue, &q::push>()},
    {.path = "jobs.queues[].secret", .kind = text, .doc = "Signs pushes as Standard Webhooks: `whsec_` and base64; several with blanks between while they rotate, the newest first.", .secret = true, .fallback = "unsigned",
     .bind = checked<&check_secret, &scope::queue, &q::secret>()},
    {.path = "jobs.queues[].timeout", .kind = duration, .doc = "Of one attempt: how long a lease lasts.", .least = 1, .most = day_ms, .bind = of_queue<&q::timeout>()},
    {.path = "jobs.queues[].attempts", .kind = text_list, .doc = "The ladder: the delay before each attempt. After the last one a job is dead.", .bind = bind_attempts()},
    {.path = "jobs.queues[].jitter", .kind = share, .doc = "A delay of the ladder is lengthened by up to this share.", .bind = of_queue<&q::jitter>()},
    {.path = "jobs.queues[].concurrency", .kind = integer, .doc = "Jobs leased at a time, over all workers.", .least = 1, .most = 1'000'000, .fallback = "no limit", .bind = of_queue<&q::concurrency>()},
    {.path = "jobs.queues[].limit", .kind = field_kind::rate, .doc = "Leases, over all workers.", .fallback = "no limit", .bind = of_queue<&q::limit>()},
    {.path = "jobs.queues[].key_concurrency", .kind = integer, .doc = "Jobs of one key leased at a time; 1 in a queue that ends in `.fifo`.", .least = 1, .most = 1'000'000, .fallback = "no limit",
     .bind = of_queue<&q::key_concurrency>()},
    {.path = "jobs.queues[].key_limit", .kind = field_kind::rate, .doc = "Leases of one key.", .fallback = "no limit", .bind = of_queue<&q::key_limit>()},
    {.path = "jobs.queues[].ageing", .kind = duration, .doc = "What one step of priority is worth in waiting.", .most = day_ms, .bind = of_queue<&q::ageing>()},
    {.path = "jobs.queues[].payload", .kind = size, .doc = "The largest payload.", .least = 1, .most = 64 * mib, .bind = of_queue<&q::payload>()},
    {.path = "jobs.queues[].max_jobs", .kind = integer, .doc = "Unfinished jobs of the queue; beyond that enqueueing into it answers 507, and other queues go on.", .least = 1, .most = 10'000'000'000, .bind = of_queue<&q::max_jobs>()},
    {.path = "jobs.queues[].retention", .kind = duration, .doc = "How long a job may go unfinished once it could first run; then it is dead, with `retention passed` as its error.", .least = 1000, .most = year_ms, .fallback = "for ever", .bind = of_queue<&q::retention>()},
    {.path = "jobs.queues[].keep_done", .kind = duration, .doc = "How long finished jobs and their results are kept.", .most = year_ms, .bind = of_queue<&q::keep_done>()},
    {.path = "jobs.queues[].keep_dead", .kind = duration, .doc = "How long dead jobs are kept, and groups of errors that nobody sees any more.", .most = year_ms, .bind = of_queue<&q::keep_dead>()},
    {.path = "jobs.queues[].keep_bytes", .kind = size, .doc = "Bytes of finished jobs that are kept; the oldest go first.", .most = 1024 * gib, .bind = of_queue<&q::keep_bytes>()},
    {.path = "jobs.queues[].verify_idempotency", .kind = share, .doc = "For staging: of the jobs this share, chosen by id, is run once more after its first success, and the SQL writes of both runs are compared; the checklist names what is not idempotent.", .bind = of_queue<&q::verify_idempotency>()},
    {.path = "jobs.queues[].paused", .kind = boolean, .doc = "Whether it begins paused; later the store remembers.", .bind = of_queue<&q::paused>()},
    {.path = "jobs.queues[].cron", .kind = list, .doc = "Jobs that are put at certain times.", .list = crons},
    {.path = "jobs.queues[].cron[].name", .kind = text, .doc = "One job a time and name, never two.", .required = true, .bind = checked<&check_queue_name, &scope::cron, &cron_config::name>()},
    {.path = "jobs.queues[].cron[].schedule", .kind = text, .doc = "Five fields, or `@hourly` and its like.", .required = true, .bind = checked<&check_schedule, &scope::cron, &cron_config::schedule>()},
    {.path = "jobs.queues[].cron[].zone", .kind = text, .doc = "The time zone, by its IANA name.", .bind = checked<&check_zone, &scope::cron, &cron_config::zone>()},
    {.path = "jobs.queues[].cron[].payload", .kind = text, .doc = "The payload, JSON.", .fallback = "null", .bind = checked<&check_cron_payload, &scope::cron, &cron_config::payload>()},
    {.path = "jobs.queues[].cron[].on_misfire", .kind = field_kind::word, .doc = "Times that passed while nobody ran: left out, or one job for all of them.", .words = "skip|once", .bind = bound<&scope::cron, &cron_config::on_misfire>()},
  };
}
// clang-format on

}  // namespace

std::vector<field> jobs_rows() {
  std::vector<field> all = plane_rows();
  auto more = queue_rows();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace fairing::config::detail
