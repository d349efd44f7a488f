// sqs_api: the SQS API on the jobs listener: a request in, its answer out, now or later.
//
// Problem: what an SDK sends has to be recognised beside the native API, checked for its signature, read, planned, asked of
// the store, and answered in the protocol and with the error codes that this SDK knows.
//
// Flow:
//   sqs_api api(writer, books, desk, probe, seed); api.configure(config);
//   if (sqs_api::claims(head)) {
//     if (auto no = api.admit(head, trusted)) answer it;              // before the body
//     auto at_once = api.handle(call, [..](const response& r) { ... });    // as jobs_api::handle
//   }
// Messages are planned on the core and asked of the writer. What changes a queue, and move tasks, go over the desk; a
// queue's attributes are read after the writer has shown its counts.
// Access: with access keys every request has to be signed, and needs no bearer token; without keys it is as the native
// API's (`trusted`: the token is there, or none is needed).
// Long polls: as jobs_api: call.waiter, writer::forget, writer::give_back.
// Bounds: bodies of 8 MiB; decode's, the writer's and the desk's.
// Threads: configure on the main thread, the rest on any. Cost: a copy of each body, its MD5; signed: its SHA-256.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "codec/sqs/decode.hpp"
#include "codec/sqs/sigv4.hpp"
#include "jobs/logic/sqs_rules.hpp"
#include "jobs/session/api.hpp"
#include "jobs/session/sqs_books.hpp"
#include "jobs/session/sqs_desk.hpp"
#include "jobs/session/sqs_probe.hpp"

namespace fairing::jobs {

class sqs_api {
 public:
  using later = jobs_api::later;

  sqs_api(writer& w, sqs_books& books, sqs_desk& desk, sqs_probe& p, std::uint64_t random_seed)
      : writer_(w), books_(books), desk_(desk), probe_(p), seed_(random_seed) {}

  void configure(const jobs_config& c);
  // Whether that request is SQS's; by its head alone.
  [[nodiscard]] static bool claims(const http1::request_head& head) noexcept;
  // Whether signatures stand for who asks: then neither token nor Host do.
  [[nodiscard]] bool checks_signatures() const;
  [[nodiscard]] std::optional<response> admit(const http1::request_head& head, bool trusted);
  [[nodiscard]] std::optional<response> handle(call& c, later done);

 private:
  struct settings {
    bool is_signed = false;
    codec::sqs::verifier keys{{}};
    std::string url;
    std::string region;
    std::string account;
    codec::sqs::decode_options limits;
  };
  // One request on its way.
  struct exchange {
    std::shared_ptr<const settings> as;
    net::core* core = nullptr;
    std::string request_id;
    std::string base_url;
    std::string sender;
    codec::sqs::wire how;
    sqs_plan plan;  // `asked` from the beginning
    later done;
    [[nodiscard]] sqs_context context(plane_time now) const;
  };
  using exchange_ptr = std::shared_ptr<exchange>;

  [[nodiscard]] std::shared_ptr<const settings> now_as() const;
  [[nodiscard]] std::string next_request_id() noexcept;
  // Signature and parameters; an error is said in e.how.
  [[nodiscard]] result<void> read(exchange& e, const call& c) const;
  void make_plan(exchange& e);
  [[nodiscard]] std::optional<response> ask_writer(const exchange_ptr& e);
  [[nodiscard]] std::optional<response> look(const exchange_ptr& e);
  [[nodiscard]] std::optional<response> ask_desk(const exchange_ptr& e);
  [[nodiscard]] response say(const codec::sqs::wire& how, const result<codec::sqs::reply>& r,
                             const std::string& request_id);
  [[nodiscard]] response refuse(const exchange& e, const error& why);

  writer& writer_;
  sqs_books& books_;
  sqs_desk& desk_;
  sqs_probe& probe_;
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> requests_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const settings> as_ = std::make_shared<const settings>();
};

}  // namespace fairing::jobs
