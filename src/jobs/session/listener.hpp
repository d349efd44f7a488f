// listener: the jobs listener: connections and access before the jobs API (and, at / and /{account}/{queue}, SQS).
//
// Flow:  jobs_listener l(std::move(server), cores, api, sqs, token); l.start(); ... l.begin_drain(); ... l.stop();
// Access: as admin's (service/access.hpp): the Host is checked, changes from other sites' pages are refused; where a token
// is set every request needs it. Requests of SQS clients need neither Host nor token where they have to be signed.
// Threads: start, begin_drain, stop on the main thread; the handler on the cores.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jobs/session/api.hpp"
#include "jobs/session/sqs_api.hpp"
#include "service/access.hpp"
#include "service/server.hpp"

namespace fairing::jobs {

class jobs_listener final : service::handler {
 public:
  jobs_listener(std::unique_ptr<service::server> server, net::core_group& cores, jobs_api& api,
                sqs_api& sqs, std::string token);

  void start() { server_->start(*this); }
  void set_body_limit(std::size_t bytes) noexcept { server_->set_body_limit(bytes); }
  void begin_drain() { server_->begin_drain(); }
  void stop() { server_->stop(); }
  [[nodiscard]] const std::string& address() const noexcept { return server_->address(); }
  [[nodiscard]] std::size_t connections() const noexcept { return server_->connections(); }

 private:
  struct parked {
    std::uint64_t serial = 0;
    std::uint64_t waiter = 0;
  };
  std::optional<response> admit(const service::request& r) override;
  std::optional<response> serve(const service::request& r) override;
  void gone(const service::ticket& id) noexcept override;
  [[nodiscard]] response refuse(service::fault f, std::string_view detail) const override;

  std::unique_ptr<service::server> server_;
  net::core_group& cores_;
  jobs_api& api_;
  sqs_api& sqs_;
  const service::access_policy access_;
  const bool needs_token_;
  std::vector<std::vector<parked>> parked_;  // by core and slot; each core's own
};

}  // namespace fairing::jobs
