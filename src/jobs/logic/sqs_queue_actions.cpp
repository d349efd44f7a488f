// Create, list, describe, change, purge and drop queues; tags; move tasks.
#include "jobs/logic/sqs_queue_actions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/sqs/encode.hpp"

namespace fairing::jobs {

namespace sqs = codec::sqs;

namespace {

std::string url_of(const sqs_context& c, std::string_view queue) {
  return sqs::make_queue_url(c.base_url, c.account, queue);
}
std::string arn_of(const sqs_context& c, std::string_view queue) {
  return sqs::make_queue_arn(c.region, c.account, queue);
}

std::uint64_t count_of(const known_queue& q, job_state s) {
  return q.state.counts.of[static_cast<std::size_t>(s)];
}

// Every attribute that has a value, also those that were never set.
sqs::string_pairs attributes_of(const known_queue& q, const sqs_context& c) {
  const auto& s = q.settings;
  const auto& name = q.state.row.name;
  sqs::string_pairs out = s.given;
  const auto set = [&](std::string_view key, std::string value) {
    if (!s.attribute(key)) out.emplace_back(std::string(key), std::move(value));
  };
  const auto number = [&](std::string_view key, auto value) { set(key, std::to_string(value)); };
  number("ApproximateNumberOfMessages", count_of(q, job_state::queued));
  number("ApproximateNumberOfMessagesDelayed", count_of(q, job_state::scheduled));
  number("ApproximateNumberOfMessagesNotVisible", count_of(q, job_state::leased));
  number("CreatedTimestamp", s.created_ms / 1000);
  number("LastModifiedTimestamp", s.modified_ms / 1000);
  set("QueueArn", arn_of(c, name));
  number("VisibilityTimeout", q.state.config.timeout.count() / 1000);
  number("DelaySeconds", 0);
  const auto& retention = q.state.config.retention;
  number("MessageRetentionPeriod", retention ? retention->count() / 1000 : 345'600);
  number("MaximumMessageSize",
         std::min<std::uint64_t>(q.state.config.payload, sqs::max_message_bytes));
  number("ReceiveMessageWaitTimeSeconds", 0);
  set("SqsManagedSseEnabled", "false");
  if (sqs::is_fifo_name(name)) {
    set("FifoQueue", "true");
    set("ContentBasedDeduplication", "false");
    set("DeduplicationScope", "queue");
    set("FifoThroughputLimit", "perQueue");
  }
  const auto oldest = q.state.counts.oldest_ready_ms;
  number("FairingOldestMessageAge",
         oldest == 0 ? 0 : std::max<std::int64_t>(0, c.now.wall_ms - oldest) / 1000);
  return out;
}

constexpr std::string_view known_names[] = {"All",
                                            "Policy",
                                            "RedrivePolicy",
                                            "RedriveAllowPolicy",
                                            "KmsMasterKeyId",
                                            "KmsDataKeyReusePeriodSeconds",
                                            "FairingAttempts",
                                            "FifoQueue",
                                            "ContentBasedDeduplication",
                                            "DeduplicationScope",
                                            "FifoThroughputLimit"};

result<sqs::reply> get_attributes(const sqs::get_queue_attributes& a, const known_queue& q,
                                  const sqs_context& c) {
  auto all = attributes_of(q, c);
  const bool everything = std::ranges::find(a.names, "All") != a.names.end();
  for (const auto& name : a.names) {
    const bool there = std::ranges::any_of(all, [&](const auto& p) { return p.first == name; });
    if (!there && std::ranges::find(known_names, name) == std::end(known_names))
      return fail(sqs::errc::invalid_attribute_name, fmt::format("Unknown Attribute {}.", name));
  }
  if (!everything)
    std::erase_if(
        all, [&](const auto& p) { return std::ranges::find(a.names, p.first) == a.names.end(); });
  return sqs::attributes{std::move(all)};
}

// The dead letter queue that the settings name has to be there.
result<void> check_target(const queue_settings& s, const queue_book& book) {
  if (s.dead_letter_queue.empty() || book.find(s.dead_letter_queue) != nullptr) return {};
  return fail(
      sqs::errc::invalid_parameter_value,
      fmt::format("Value for parameter RedrivePolicy is invalid. Reason: Dead letter target "
                  "{} does not exist: create it first.",
                  s.dead_letter_queue));
}

void write(sqs_plan& p, const std::string& queue, const queue_settings& s) {
  p.commands.emplace_back(set_queue{.queue = queue, .attributes = write_settings(s)});
}

result<void> create(sqs_plan& p, const sqs::create_queue& a, const queue_book& book,
                    const sqs_context& c) {
  if (book.of_requests(a.queue))
    return fail(
        sqs::errc::access_denied,
        fmt::format("Queue {} holds requests that the http plane put off: take another name.",
                    a.queue));
  queue_settings s;
  s.tags = a.tags;
  std::ranges::sort(s.tags);
  s.created_ms = s.modified_ms = std::max<std::int64_t>(1, c.now.wall_ms);
  if (auto done = set_attributes(s, a.queue, a.attributes); !done) return done;
  if (sqs::is_fifo_name(a.queue) && s.attribute("FifoQueue") != "true")
    return fail(
        sqs::errc::invalid_parameter_value,
        "A queue whose name ends in .fifo is a FIFO queue: set the attribute FifoQueue to true.");
  const auto* there = book.find(a.queue);
  if (there == nullptr) {
    if (auto good = check_target(s, book); !good) return good;
    write(p, a.queue, s);
    return {};
  }
  const auto now = attributes_of(*there, c);
  for (const auto& [name, value] : a.attributes)
    if (std::ranges::find(now, std::pair(name, value)) == now.end() && !value.empty())
      return fail(sqs::errc::queue_name_exists,
                  fmt::format("A queue already exists with the same name and a different value for "
                              "attribute {}.",
                              name));
  p.answer = sqs::queue_url{url_of(c, a.queue)};
  return {};
}

result<void> change(sqs_plan& p, const sqs::set_queue_attributes& a, const known_queue& q,
                    const queue_book& book, const sqs_context& c) {
  auto s = q.settings;
  if (auto done = set_attributes(s, a.queue, a.attributes); !done) return done;
  if (auto good = check_target(s, book); !good) return good;
  s.modified_ms = c.now.wall_ms;
  write(p, a.queue, s);
  return {};
}

result<void> tag(sqs_plan& p, const sqs::tag_queue& a, const known_queue& q) {
  auto s = q.settings;
  for (const auto& [key, value] : a.tags) {
    std::erase_if(s.tags, [&](const auto& t) { return t.first == key; });
    s.tags.emplace_back(key, value);
  }
  if (s.tags.size() > sqs::max_tags)
    return fail(sqs::errc::invalid_parameter_value, "A queue has at most 50 tags.");
  std::ranges::sort(s.tags);
  write(p, a.queue, s);
  return {};
}

void untag(sqs_plan& p, const sqs::untag_queue& a, const known_queue& q) {
  auto s = q.settings;
  std::erase_if(s.tags,
                [&](const auto& t) { return std::ranges::find(a.keys, t.first) != a.keys.end(); });
  write(p, a.queue, s);
}

// Names that `fits` lets through, in order, after `token`; the token of a page is the last name of the one before.
template <class Fits>
sqs::queue_urls page(const queue_book& book, const std::string& token,
                     std::optional<std::int32_t> most, const sqs_context& c, Fits fits) {
  sqs::queue_urls out;
  const auto limit = static_cast<std::size_t>(most.value_or(1000));
  std::string last;
  for (auto at = book.all().upper_bound(token); at != book.all().end(); ++at) {
    if (!fits(at->second)) continue;
    if (out.urls.size() == limit) {
      if (most) out.next_token = last;
      break;
    }
    last = at->first;
    out.urls.push_back(url_of(c, last));
  }
  return out;
}

std::vector<std::string> sources_of(const queue_book& book, std::string_view dead_letters) {
  std::vector<std::string> out;
  for (const auto& [name, q] : book.all())
    if (q.settings.dead_letter_queue == dead_letters) out.push_back(name);
  return out;
}

result<sqs::reply> start_move(const sqs::start_message_move_task& a, const queue_book& book,
                              sqs_moves& moves, const sqs_context& c) {
  const auto* source = book.find(a.source);
  if (source == nullptr)
    return fail(sqs::errc::resource_not_found,
                "The resource that you specified for the SourceArn parameter doesn't exist.");
  const auto from = sources_of(book, a.source);
  if (from.empty())
    return fail(sqs::errc::invalid_parameter_value,
                "Source queue must be configured as a Dead Letter Queue.");
  if (a.destination.empty() && from.size() > 1)
    return fail(sqs::errc::invalid_parameter_value,
                fmt::format("{} queues send their dead letters to {}: say by DestinationArn where "
                            "these messages go.",
                            from.size(), a.source));
  const auto destination = a.destination.empty() ? from.front() : a.destination;
  if (book.find(destination) == nullptr || destination == a.source)
    return fail(sqs::errc::resource_not_found,
                "The resource that you specified for the DestinationArn parameter doesn't exist, "
                "or is the source.");
  const auto count = count_of(*source, job_state::queued) + count_of(*source, job_state::dead);
  auto handle = moves.start(a.source, destination, a.a_second, count, c.now);
  if (!handle) return std::unexpected(handle.error());
  return sqs::move_started{std::move(*handle)};
}

sqs::reply list_moves(const sqs::list_message_move_tasks& a, const sqs_moves& moves,
                      const sqs_context& c) {
  sqs::move_tasks out;
  for (const auto& t : moves.list(a.source, static_cast<std::size_t>(a.most))) {
    sqs::move_task m;
    if (t.state == move_state::running) m.handle = t.handle;
    m.status = to_string(t.state);
    m.source_arn = arn_of(c, t.source);
    m.destination_arn = arn_of(c, t.destination);
    m.a_second = t.a_second;
    m.moved = t.moved;
    m.to_move = t.to_move;
    m.failure = t.failure;
    m.started_ms = t.started_ms;
    out.tasks.push_back(std::move(m));
  }
  return out;
}

// The actions that name a queue which has to be there.
result<void> plan_for(sqs_plan& p, const known_queue& q, const queue_book& book,
                      const sqs_context& c) {
  const auto& name = q.state.row.name;
  if (std::holds_alternative<sqs::get_queue_url>(p.asked)) {
    p.answer = sqs::queue_url{url_of(c, name)};
  } else if (const auto* get = std::get_if<sqs::get_queue_attributes>(&p.asked)) {
    p.answer = get_attributes(*get, q, c);
  } else if (const auto* set = std::get_if<sqs::set_queue_attributes>(&p.asked)) {
    return change(p, *set, q, book, c);
  } else if (std::holds_alternative<sqs::delete_queue>(p.asked)) {
    if (q.configured)
      return fail(sqs::errc::access_denied,
                  fmt::format("Queue {} is configured: take it out of jobs.queues first.", name));
    p.commands.emplace_back(set_queue{.queue = name, .attributes = {}, .drop = true});
  } else if (std::holds_alternative<sqs::purge_queue>(p.asked)) {
    p.commands.emplace_back(purge_queue{name});
  } else if (const auto* tags = std::get_if<sqs::tag_queue>(&p.asked)) {
    return tag(p, *tags, q);
  } else if (const auto* keys = std::get_if<sqs::untag_queue>(&p.asked)) {
    untag(p, *keys, q);
  } else if (std::holds_alternative<sqs::list_queue_tags>(p.asked)) {
    p.answer = sqs::tags{q.settings.tags};
  } else if (const auto* dead = std::get_if<sqs::list_dead_letter_source_queues>(&p.asked)) {
    p.answer = page(book, dead->next_token, dead->most, c,
                    [&](const known_queue& k) { return k.settings.dead_letter_queue == name; });
  } else {
    p.answer = sqs::done{};  // AddPermission, RemovePermission: whoever has a key may do all
  }
  return {};
}

std::string_view queue_named_by(const sqs::action& a) {
  return std::visit(
      [](const auto& v) -> std::string_view {
        if constexpr (requires { v.queue; })
          return v.queue;
        else
          return {};
      },
      a);
}

}  // namespace

result<const known_queue*> need_queue(const queue_book& book, std::string_view name) {
  const auto* q = book.find(name);
  if (q == nullptr)
    return fail(sqs::errc::queue_does_not_exist,
                fmt::format("The specified queue does not exist: {}.", name));
  return q;
}

void plan_queue_action(sqs_plan& p, const queue_book& book, sqs_moves& moves,
                       const sqs_context& c) {
  if (const auto* made = std::get_if<sqs::create_queue>(&p.asked)) {
    if (auto done = create(p, *made, book, c); !done) p.answer = std::unexpected(done.error());
  } else if (const auto* list = std::get_if<sqs::list_queues>(&p.asked)) {
    p.answer = page(book, list->next_token, list->most, c, [&](const known_queue& q) {
      return q.state.row.name.starts_with(list->prefix);
    });
  } else if (const auto* start = std::get_if<sqs::start_message_move_task>(&p.asked)) {
    p.answer = start_move(*start, book, moves, c);
  } else if (const auto* tasks = std::get_if<sqs::list_message_move_tasks>(&p.asked)) {
    p.answer = list_moves(*tasks, moves, c);
  } else if (const auto* stop = std::get_if<sqs::cancel_message_move_task>(&p.asked)) {
    const auto moved = moves.cancel(stop->handle);
    if (moved)
      p.answer = sqs::move_cancelled{*moved};
    else
      p.answer = std::unexpected(moved.error());
  } else {
    const auto q = need_queue(book, queue_named_by(p.asked));
    const auto done = q ? plan_for(p, **q, book, c) : result<void>(std::unexpected(q.error()));
    if (!done) p.answer = std::unexpected(done.error());
  }
}

sqs::reply answer_queue_action(const sqs_plan& p, const sqs_context& c) {
  if (const auto* made = std::get_if<sqs::create_queue>(&p.asked))
    return sqs::queue_url{url_of(c, made->queue)};
  return sqs::done{};
}

}  // namespace fairing::jobs
