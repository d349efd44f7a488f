#include "jobs/session/plane.hpp"

#include <algorithm>
#include <random>

#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

constexpr std::size_t batch_body = 8 * 1024 * 1024;

std::size_t largest_body(const jobs_config& c) {
  std::uint64_t largest = batch_body;
  for (const auto& q : c.queues) largest = std::max(largest, q.payload + 64 * 1024);
  return static_cast<std::size_t>(largest);
}

std::uint64_t seed() {
  std::random_device r;
  return std::uint64_t{r()} << 32 | r();
}

}  // namespace

jobs_plane::jobs_plane(net::core_group& cores, metrics::registry& r, const jobs_config& c,
                       store_factory stores)
    : writes_(stores.writes ? std::move(stores.writes) : std::make_shared<bus::write_sets>()),
      verifier_(*writes_),
      probe_(r, view_),
      reads_(std::move(stores.open_reader)),
      books_(view_),
      sqs_probe_(r) {
  probe_.configure(c);
  writer_ = std::make_unique<writer>(writer_options{.config = c,
                                                    .open_store = std::move(stores.open_store),
                                                    .waits_for_store = stores.waits_for_store,
                                                    .random_seed = seed()},
                                     static_cast<writer_observer&>(*this));
  pushes_ = std::make_unique<push_service>(cores, *writer_, r, std::move(stores.requests));
  api_ = std::make_unique<jobs_api>(*writer_, reads_, view_, verifier_);
  letters_ = std::make_unique<dead_letters>(*writer_, books_);
  desk_ = std::make_unique<sqs_desk>(*writer_);
  sqs_ = std::make_unique<sqs_api>(*writer_, books_, *desk_, sqs_probe_, seed());
  books_.configure(c);
  sqs_->configure(c);
  guards_.push_back(r.add_callback("fairing_jobs_commands_waiting",
                                   "Commands that wait for the writer.", "gauge", {},
                                   [this] { return static_cast<double>(writer_->queued()); }));
  guards_.push_back(r.add_callback("fairing_jobs_store_up", "Whether the job store takes commands.",
                                   "gauge", {}, [this] { return writer_->ready() ? 1.0 : 0.0; }));
}

jobs_plane::~jobs_plane() { close(); }

result<std::unique_ptr<jobs_plane>> jobs_plane::open(net::core_group& cores, metrics::registry& r,
                                                     const jobs_config& c, store_factory stores) {
  auto server = service::server::open(
      cores, c.listen,
      {.connections = 20'000, .head_bytes = 16 * 1024, .body_bytes = largest_body(c)});
  if (!server) {
    auto e = server.error();
    e.detail = "jobs.listen: " + e.message();
    return std::unexpected(e);
  }
  std::unique_ptr<jobs_plane> p(new jobs_plane(cores, r, c, std::move(stores)));
  if (auto pushed = p->pushes_->configure(c); !pushed) return std::unexpected(pushed.error());
  if (auto started = p->writer_->start(); !started) {
    auto e = started.error();
    e.detail = "jobs.store: " + e.message();
    return std::unexpected(e);
  }
  p->listener_ =
      std::make_unique<jobs_listener>(std::move(*server), cores, *p->api_, *p->sqs_, c.token);
  return p;
}

void jobs_plane::start() {
  desk_->start();
  listener_->start();
  pushes_->start();
}

result<void> jobs_plane::reload(const jobs_config& next) {
  if (auto pushed = pushes_->configure(next); !pushed) return pushed;
  listener_->set_body_limit(largest_body(next));
  probe_.configure(next);
  books_.configure(next);
  sqs_->configure(next);
  writer_->reconfigure(next);
  return {};
}

void jobs_plane::begin_drain() {
  pushes_->stop_taking();
  writer_->stop_leasing();
  listener_->begin_drain();
}

// The writer goes last: what it has taken is made durable.
void jobs_plane::close() {
  if (listener_) listener_->stop();
  if (pushes_) pushes_->stop();
  reads_.drain();
  desk_->stop();
  writer_->stop();
}

void jobs_plane::on_batch(const batch_report& b) {
  probe_.count(b);
  letters_->on_batch(b.events);
}

// Before a worker has the job: the sql plane must look for its trace by then.
void jobs_plane::on_committed(const std::vector<job_event>& events) {
  for (const auto& v : verifier_.on_events(events, unix_ms())) probe_.count(v);
}

void jobs_plane::on_queues(std::vector<engine::queue_state> queues) {
  probe_.name_queues(queues);
  pushes_->note(queues);
  view_.publish(std::move(queues));
}

std::optional<response> jobs_plane::ask(const jobs_request& r, answered done) {
  http1::request_head head;
  head.method = r.method;
  head.path = r.path;
  head.query = r.query;
  call c{.head = head, .body = r.body, .admin = true};
  return api_->handle(c, [d = std::move(done)](const response& a) mutable {
    d(a);
    return true;
  });
}

}  // namespace fairing::jobs
