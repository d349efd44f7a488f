// plane: the jobs plane of a process: its listener, its writer, its readers, its SQS API.
//
// Flow:
//   auto p = jobs_plane::open(cores, registry, config, stores);   // binds, opens the store
//   (*p)->start(); ... (*p)->reload(next); ... (*p)->begin_drain(); ... (*p)->close();    // before the cores stop
// Lifecycle: begin_drain() ends waiting leases, gives no more and begins no push; acks are taken until close().
// Threads: open, start, begin_drain, close on the main thread; the rest from any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bus/write_sets.hpp"
#include "jobs/logic/verifier.hpp"
#include "jobs/session/api.hpp"
#include "jobs/session/dead_letters.hpp"
#include "jobs/session/listener.hpp"
#include "jobs/session/probe.hpp"
#include "jobs/session/push_service.hpp"
#include "jobs/session/queue_view.hpp"
#include "jobs/session/reads.hpp"
#include "jobs/session/sqs_api.hpp"
#include "jobs/session/sqs_books.hpp"
#include "jobs/session/sqs_desk.hpp"
#include "jobs/session/sqs_probe.hpp"
#include "jobs/session/writer.hpp"
#include "metrics/registry.hpp"
#include "net/core.hpp"

namespace fairing::jobs {

// How the store of the configuration is opened; whoever knows the engines says.
struct store_factory {
  std::function<result<std::unique_ptr<store>>()> open_store;
  reads::opener open_reader;
  bool waits_for_store = false;                  // see writer_options
  carrier_maker requests;                        // for queues whose jobs are requests; may be empty
  std::shared_ptr<bus::write_sets> writes = {};  // what the sql plane sees; null: there is none
};

struct jobs_request {  // of the admin interface
  http1::method method = http1::method::get;
  std::string path;
  std::string query;
  std::string body;
};

class jobs_plane final : writer_observer {
 public:
  static result<std::unique_ptr<jobs_plane>> open(net::core_group& cores, metrics::registry& r,
                                                  const jobs_config& c, store_factory stores);
  ~jobs_plane() override;

  void start();
  [[nodiscard]] result<void> reload(const jobs_config& next);
  void begin_drain();
  void close();

  [[nodiscard]] const std::string& address() const noexcept { return listener_->address(); }
  // Clients, and pushes whose answer is awaited.
  [[nodiscard]] std::int64_t connections() const {
    return static_cast<std::int64_t>(listener_->connections()) + pushes_->in_flight();
  }
  // For whoever puts and reads jobs inside this process.
  [[nodiscard]] writer& work() noexcept { return *writer_; }
  [[nodiscard]] bool ready() const noexcept { return writer_->ready(); }
  [[nodiscard]] std::string why_not_ready() const { return writer_->why_not_ready(); }
  [[nodiscard]] bool standing_by() const { return writer_->standing_by(); }
  [[nodiscard]] std::shared_ptr<const queue_list> queues() const { return view_.get(); }
  [[nodiscard]] verified_summary verified_of(std::uint32_t queue) const {
    return verifier_.summary_of(queue);
  }
  // Of the admin interface. nullopt: `done` gets the answer, on a thread of the plane, at the latest in close().
  using answered = std::move_only_function<void(response)>;
  [[nodiscard]] std::optional<response> ask(const jobs_request& r, answered done);

 private:
  jobs_plane(net::core_group& cores, metrics::registry& r, const jobs_config& c,
             store_factory stores);
  void on_batch(const batch_report& b) override;
  void on_queues(std::vector<engine::queue_state> queues) override;
  void on_open() override {
    letters_->on_open();
    reads_.open_anew();
  }
  void on_committed(const std::vector<job_event>& events) override;

  std::shared_ptr<bus::write_sets> writes_;
  verifier verifier_;
  queue_view view_;
  probe probe_;
  reads reads_;
  std::unique_ptr<writer> writer_;
  std::unique_ptr<push_service> pushes_;
  std::unique_ptr<jobs_api> api_;
  sqs_books books_;
  std::unique_ptr<dead_letters> letters_;
  std::unique_ptr<sqs_desk> desk_;
  sqs_probe sqs_probe_;
  std::unique_ptr<sqs_api> sqs_;
  std::unique_ptr<jobs_listener> listener_;
  std::vector<metrics::registry::guard> guards_;
};

}  // namespace fairing::jobs
