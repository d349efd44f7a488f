// Queues whose jobs are requests that the http plane put off: what they bear is for nobody else, whatever the
// configuration says by then. So the store remembers them (a fact), until the last of their jobs has ended.
#include <algorithm>
#include <charconv>
#include <iterator>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::string_view requests_fact =
    "requests";  // numbers of queues, each with a blank behind it

}  // namespace

result<void> engine::parts::recover_request_queues() {
  request_queues.clear();
  const auto kept = stored.fact(requests_fact);
  if (!kept) return lost(kept.error());
  const auto& found = kept.value();
  std::string_view text = found ? std::string_view(*found) : std::string_view{};
  while (!text.empty()) {
    std::uint32_t number = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), number);
    if (r.ec != std::errc{}) break;
    request_queues.insert(number);
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(r.ptr - text.data()) + 1));
  }
  return {};
}

result<void> engine::parts::set_request_queues(std::set<std::uint32_t> next) {
  if (next == request_queues) return {};
  undo.emplace_back([this, before = request_queues] { request_queues = before; });
  request_queues = std::move(next);
  std::string text;
  for (const auto number : request_queues) text += std::to_string(number) + ' ';
  if (auto r = stored.set_fact(requests_fact, text); !r) return lost(r.error());
  return {};
}

// The configuration has been read: its queues of requests are remembered, and the others of before are strays.
result<void> engine::parts::take_request_queues() {
  auto next = request_queues;
  std::set<std::uint32_t> named;
  for (const auto& c : config.queues)
    if (const auto at = numbers.find(c.name); c.requests && at != numbers.end())
      named.insert(at->second);
  std::erase_if(next, [this](std::uint32_t number) { return !queues.contains(number); });
  next.insert(named.begin(), named.end());
  strays.clear();
  std::ranges::set_difference(next, named, std::inserter(strays, strays.end()));
  return set_request_queues(std::move(next));
}

// A request is where no queue of requests is known: it came while the configuration changed, or the store is older.
result<void> engine::parts::has_requests(queue_entry& q) {
  const auto number = q.row.number;
  undo.emplace_back([this, number] {
    strays.erase(number);
    if (const auto at = queues.find(number); at != queues.end()) at->second.config.requests = false;
  });
  strays.insert(number);
  q.config.requests = true;
  touch(q);  // whoever runs requests hears of it
  auto next = request_queues;
  next.insert(number);
  return set_request_queues(std::move(next));
}

result<void> engine::parts::forget_requests(std::uint32_t number) {
  if (strays.erase(number) > 0) undo.emplace_back([this, number] { strays.insert(number); });
  auto next = request_queues;
  next.erase(number);
  return set_request_queues(std::move(next));
}

// A stray queue without a live job is a queue like any.
result<void> engine::parts::free_strays() {
  const auto all = strays;
  for (const auto number : all) {
    auto& q = queues.at(number);
    if (q.live() > 0) continue;
    undo.emplace_back([this, number] { queues.at(number).config.requests = true; });
    q.config.requests = false;
    touch(q);
    if (auto r = forget_requests(number); !r) return r;
  }
  return {};
}

}  // namespace fairing::jobs
