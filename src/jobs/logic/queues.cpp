// Queues: those of the configuration, those that appear when something is put into them, pause, drop, a look at a job.
#include <algorithm>

#include "base/ascii.hpp"
#include "jobs/logic/engine_parts.hpp"
#include "jobs/logic/sqs_queue.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t longest_name = 80;
constexpr std::size_t longest_attributes = 16 * 1024;
constexpr std::size_t most_queues = 10'000;
constexpr std::uint64_t most_dropped = 100'000;  // jobs that a queue may have when it is dropped

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

const queue_config* config_of(const jobs_config& c, std::string_view name) {
  const auto at = std::ranges::find(c.queues, name, &queue_config::name);
  return at == c.queues.end() ? nullptr : &*at;
}

void configure(queue_entry& q, const jobs_config& c, const std::set<std::uint32_t>& requests) {
  const auto* own = config_of(c, q.row.name);
  q.config = effective_config(own != nullptr ? *own : queue_config{}, q.row.attributes);
  q.config.name = q.row.name;
  q.config.requests = q.config.requests || requests.contains(q.row.number);
}

std::uint64_t live_of(const queue_counts& c) {
  return c.of[static_cast<std::size_t>(job_state::queued)] +
         c.of[static_cast<std::size_t>(job_state::scheduled)] +
         c.of[static_cast<std::size_t>(job_state::leased)];
}

}  // namespace

result<void> engine::parts::recover_queues(plane_time now) {
  const auto rows = stored.queues();
  if (!rows) return lost(rows.error());
  if (auto r = recover_request_queues(); !r) return r;
  queues.clear();
  numbers.clear();
  oldest_unknown.clear();
  live = 0;
  for (const auto& row : *rows) {
    const auto counts = stored.counts(row.number);
    if (!counts) return lost(counts.error());
    auto& q = queues[row.number];
    q.row = row;
    q.counts = *counts;
    configure(q, config, request_queues);
    numbers[row.name] = row.number;
    live += live_of(*counts);
    if (auto r = look_for_oldest(q, now); !r) return r;
  }
  const auto id = stored.last_id();
  if (!id) return lost(id.error());
  last_id = std::max(last_id, *id);
  return take_config(now);
}

// Inside a batch: queues that are configured and not there yet, and the crons.
result<void> engine::parts::take_config(plane_time now) {
  config_is_new = false;
  undo.emplace_back([this] { config_is_new = true; });
  for (auto& [number, q] : queues) {
    configure(q, config, request_queues);
    if (q.counts.parked > 0 && !q.key_concurrency()) unlimited.insert(number);
  }
  for (const auto& c : config.queues) {
    if (numbers.contains(c.name)) continue;
    const auto q = add_queue(c.name);
    if (!q) return std::unexpected(q.error());
    if (!c.paused) continue;
    (*q)->row.paused = true;
    if (auto r = stored.save_queue((*q)->row); !r) return lost(r.error());
  }
  if (auto r = take_request_queues(); !r) return r;
  return recover_crons(now);
}

result<queue_entry*> engine::parts::add_queue(const std::string& name) {
  if (!valid_name(name))
    return fail(errc::bad_request, "a queue's name has 1 to 80 of A-Z a-z 0-9 . _ -, not '" +
                                       name.substr(0, 100) + "'");
  if (queues.size() >= most_queues)
    return fail(errc::full, "there are 10000 queues: drop those that are not used");
  const auto number = stored.add_queue(name);
  if (!number) return lost(number.error());
  auto& q = queues[*number];
  q.row = {.number = *number, .name = name};
  configure(q, config, request_queues);
  touch(q);  // whoever shows the queues shows it
  numbers[name] = *number;
  undo.emplace_back([this, name, n = *number] {
    auto& there = queues.at(n);
    while (!there.waiters.empty()) {  // they are told with the next batch
      orphans.push_back(there.waiters.front().name);
      take_out(waiting.find(orphans.back()));
    }
    queues.erase(n);
    numbers.erase(name);
  });
  return &q;
}

result<queue_entry*> engine::parts::queue_of(std::string_view name, bool create, plane_time now) {
  if (config_is_new)
    if (auto r = take_config(now); !r) return std::unexpected(r.error());
  if (const auto at = numbers.find(name); at != numbers.end()) return &queues.at(at->second);
  if (create && config.create_queues) return add_queue(std::string(name));
  return fail(
      errc::not_found,
      "there is no queue '" + std::string(name.substr(0, 100)) + "': " +
          (config.create_queues
               ? "it appears when something is put into it or a worker asks for its jobs, or "
                 "list it under jobs.queues"
               : "list it under jobs.queues, or set jobs.create_queues"));
}

result<queue_entry*> engine::parts::queue_at(std::uint32_t number) {
  const auto at = queues.find(number);
  if (at == queues.end())
    return lost({make_error_code(errc::store_failed),
                 "a job is of queue number " + std::to_string(number) + ", which is not there"});
  return &at->second;
}

result<reply> engine::parts::run(const set_paused& c, plane_time now) {
  const auto found = queue_of(c.queue, false, now);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  if (q.row.paused == c.paused) return nothing{};
  undo.emplace_back(
      [this, n = q.row.number, was = q.row.paused] { queues.at(n).row.paused = was; });
  q.row.paused = c.paused;
  if (auto r = stored.save_queue(q.row); !r) return lost(r.error());
  return nothing{};
}

result<reply> engine::parts::run(const set_queue& c, plane_time now) {
  if (c.drop) {
    const auto found = queue_of(c.queue, false, now);
    if (!found) return std::unexpected(found.error());
    return drop_queue(**found);
  }
  if (c.attributes && c.attributes->size() > longest_attributes)
    return fail(errc::too_large, "a queue's attributes have at most 16KiB");
  if (config_is_new)
    if (auto r = take_config(now); !r) return std::unexpected(r.error());
  const auto at = numbers.find(c.queue);  // said by name: also where create_queues is off
  const auto found =
      at != numbers.end() ? result<queue_entry*>(&queues.at(at->second)) : add_queue(c.queue);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  if (!c.attributes) return nothing{};
  if (q.config.requests)
    return fail(errc::conflict, "the jobs of queue " + q.row.name +
                                    " are requests that the http plane put off: it has no "
                                    "attributes of SQS");
  undo.emplace_back([this, n = q.row.number, was = q.row.attributes] {
    const auto there = queues.find(n);
    if (there == queues.end()) return;
    there->second.row.attributes = was;
    configure(there->second, config, request_queues);
  });
  q.row.attributes = *c.attributes;
  configure(q, config, request_queues);
  if (auto r = stored.save_queue(q.row); !r) return lost(r.error());
  return nothing{};
}

result<reply> engine::parts::drop_queue(queue_entry& q) {
  if (config_of(config, q.row.name) != nullptr)
    return fail(errc::conflict,
                "queue " + q.row.name + " is configured: take it out of jobs.queues first");
  std::uint64_t held = 0;
  for (const auto n : q.counts.of) held += n;
  if (held > most_dropped)
    return fail(errc::conflict, "queue " + q.row.name + " has " + std::to_string(held) +
                                    " jobs: purge it first, and let finished jobs go");
  if (auto r = stored.drop_queue(q.row.number); !r) return lost(r.error());
  live -= live_of(q.counts);
  // The entry moves into its way back as a whole; whoever waits for the queue waits for nothing.
  while (!q.waiters.empty()) {
    const auto at = waiting.find(q.waiters.front().name);
    answered.emplace_back(q.row.number, *at->second.second);
    orphans.push_back(at->first);
    take_out(at);
  }
  const auto number = q.row.number;
  if (auto r = forget_requests(number); !r) return std::unexpected(r.error());
  std::erase_if(heads, [&](const auto& e) { return e.second.queue == number; });
  const auto gone = std::make_shared<queue_entry>(std::move(q));
  std::erase_if(tasks, [&](const long_task& t) { return t.queue == number || t.to == number; });
  queues.erase(number);
  numbers.erase(gone->row.name);
  undo.emplace_back([this, gone, number] {
    numbers[gone->row.name] = number;
    live += live_of(gone->counts);
    queues[number] = std::move(*gone);
  });
  return nothing{};
}

result<reply> engine::parts::run(const read_job& c, plane_time) {
  auto j = stored.load(c.id, true);
  if (j) return std::move(*j);
  if (j.error().code == errc::not_found)
    return fail(errc::not_found, "job " + id_text(c.id) + " is not there (any more)");
  return lost(j.error());
}

}  // namespace fairing::jobs
