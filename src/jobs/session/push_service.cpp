#include "jobs/session/push_service.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "jobs/logic/push_request.hpp"
#include "jobs/session/push_client.hpp"

namespace fairing::jobs {

namespace {

constexpr std::uint64_t most_result = 256 * 1024;
constexpr milliseconds longest_stop{6'000};  // a connection that is being opened ends in 5 s

std::uint32_t most_of(const queue_config& q) {
  return q.concurrency.value_or(push_pace::usual_most);
}
std::uint64_t result_bytes_of(const queue_config& q) { return std::min(q.payload, most_result); }

// A job as a signed POST to a URL.
class push_carrier final : public carrier {
 public:
  push_carrier(net::core& c, std::string queue, push_url url, webhook_keys keys,
               std::shared_ptr<net::tls_context> tls, push_client::limits l)
      : queue_(std::move(queue)),
        url_(std::move(url)),
        keys_(std::move(keys)),
        client_(c, net::dial_target{url_.host, url_.port, {}, std::move(tls)}, l) {}

  net::task<delivery> carry(const leased_job& j, attempt_time t) override {
    auto head = push_head(j, {url_, keys_, queue_, unix_ms(), t.deadline_ms});
    auto a = co_await client_.post(std::move(head), j.work.payload, t.deadline);
    delivery d;
    d.how = judge(a, unix_ms());
    d.fault = a.fault;
    d.result = std::move(a.body);
    d.result_type = d.result.empty() ? std::string() : std::move(a.content_type);
    co_return d;
  }
  void stop() override { client_.stop(); }

 private:
  std::string queue_;
  push_url url_;
  webhook_keys keys_;
  push_client client_;
};

}  // namespace

bool push_service::entry::same(const queue_config& q) const {
  return push == q.push && secret == q.secret && most == most_of(q) &&
         result_bytes == result_bytes_of(q) && attempts == q.attempts;
}

result<std::unique_ptr<carrier>> push_service::by_url(const queue_config& q, std::size_t index,
                                                      net::core& c) const {
  const auto at_key = [&](const error& e, const char* key) {
    return fail(e.code, "jobs.queues." + std::to_string(index) + key + " " + e.message());
  };
  auto url = parse_push_url(q.push);
  if (!url) return at_key(url.error(), ".push");
  auto keys = webhook_keys::parse(q.secret);
  if (!keys) return at_key(keys.error(), ".secret");
  std::shared_ptr<net::tls_context> tls;
  if (url->tls) {
    auto context = net::tls_context::client("");
    if (!context) return at_key(context.error(), ".push:");
    tls = std::move(*context);
  }
  return std::make_unique<push_carrier>(
      c, q.name, std::move(*url), std::move(*keys), std::move(tls),
      push_client::limits{.idle = most_of(q),
                          .body = static_cast<std::size_t>(result_bytes_of(q))});
}

result<push_service::entry> push_service::made(const queue_config& q, std::size_t index) {
  auto& core = cores_.at(static_cast<std::uint32_t>(index) % cores_.size());
  entry out{q.push, q.secret, most_of(q), result_bytes_of(q), q.attempts, nullptr};
  std::unique_ptr<carrier> by;
  if (q.push.empty()) {
    by = requests_(core, q);
  } else {
    auto made = by_url(q, index, core);
    if (!made) return std::unexpected(made.error());
    by = std::move(*made);
  }
  out.runs = pusher::make(core, writer_, {q.name, out.most, q.push.empty()}, std::move(by), probe_);
  return out;
}

// A queue with requests left in it is pushed nowhere, and run to its end though nothing names it.
std::vector<queue_config> push_service::all_of(const jobs_config& c) const {
  auto all = c.queues;
  if (!requests_) return all;
  for (const auto& kept : with_requests_) {
    auto at = std::ranges::find(all, kept.name, &queue_config::name);
    if (at == all.end()) at = all.insert(at, kept);
    at->push.clear();
    at->requests = true;
  }
  return all;
}

result<void> push_service::configure(const jobs_config& c) {
  const std::lock_guard lock(mutex_);
  auto before = std::exchange(config_, c);
  auto r = apply();
  if (!r) config_ = std::move(before);
  return r;
}

void push_service::note(const std::vector<engine::queue_state>& queues) {
  std::vector<queue_config> now;
  for (const auto& q : queues)
    if (q.config.requests) now.push_back(q.config);
  const std::lock_guard lock(mutex_);
  if (ending_ ||
      std::ranges::equal(now, with_requests_, {}, &queue_config::name, &queue_config::name))
    return;
  with_requests_ = std::move(now);
  // What is in the configuration has been taken before: only how requests are run is new, and that has no error.
  if (auto r = apply(); !r) log::warn("jobs_pushes_not_changed", {{"reason", r.error().message()}});
}

result<void> push_service::apply() {
  const auto queues = all_of(config_);
  std::erase_if(leaving_, [](const auto& p) { return p->wait_ended(milliseconds{0}); });
  std::map<std::string, entry> next;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const auto& q = queues[i];
    if (q.push.empty() && !(q.requests && requests_)) continue;
    const auto known = by_queue_.find(q.name);
    if (known != by_queue_.end() && known->second.same(q)) {
      next.emplace(q.name, known->second);
      continue;
    }
    auto fresh = made(q, i);
    if (!fresh) return std::unexpected(fresh.error());
    next.emplace(q.name, std::move(*fresh));
  }
  for (auto& [name, e] : by_queue_) {
    const auto stays = next.find(name);
    if (stays != next.end() && stays->second.runs == e.runs) continue;
    if (started_) e.runs->stop_taking();
    leaving_.push_back(e.runs);
  }
  if (started_)
    for (auto& [name, e] : next)
      if (const auto was = by_queue_.find(name);
          was == by_queue_.end() || was->second.runs != e.runs)
        e.runs->start();
  by_queue_ = std::move(next);
  return {};
}

void push_service::start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
  for (auto& [name, e] : by_queue_) e.runs->start();
}

void push_service::stop_taking() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  if (!started_) return;
  for (auto& [name, e] : by_queue_) e.runs->stop_taking();
}

// Those who end need the writer, whose thread may be in note(): they are not waited for under the lock.
void push_service::stop() {
  std::vector<std::shared_ptr<pusher>> all;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (!std::exchange(started_, false)) return;
    all.swap(leaving_);
    for (auto& [name, e] : by_queue_) all.push_back(std::move(e.runs));
    by_queue_.clear();
  }
  for (const auto& p : all) p->stop();
  const auto end = std::chrono::steady_clock::now() + longest_stop;
  for (const auto& p : all)
    (void)p->wait_ended(std::max(
        milliseconds{0}, std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now())));
}

std::uint32_t push_service::in_flight() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t n = 0;
  for (const auto& [name, e] : by_queue_) n += e.runs->in_flight();
  for (const auto& p : leaving_) n += p->in_flight();
  return n;
}

}  // namespace fairing::jobs
