// verify_idempotency: a job that is chosen is delivered once more after its first success; its second run never makes
// it anything but done.
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

// One number of a job's id, spread over 0 to 1: the same whenever it is asked for, in every process.
double chance_of(job_id id) noexcept {
  return static_cast<double>(mix64(id ^ 0x9e3779b97f4a7c15ULL) >> 11) * 0x1p-53;
}

}  // namespace

bool succeeded_before(const job& j) noexcept {
  return std::ranges::any_of(j.history, [](const attempt_record& a) {
    return a.ended_ms != 0 && a.error.empty() && !a.lease_expired;
  });
}

std::string run_trace(job_id id, std::uint32_t attempt) {
  const auto text = id_text(id);
  return fmt::format("{:016x}{:016x}", hash64(text, 0x7261 + std::uint64_t{attempt}),
                     hash64(text, 0x6365 + (std::uint64_t{attempt} << 32)) | 1);
}

verify_run engine::parts::run_of(const job& j, const queue_entry& q) noexcept {
  if (succeeded_before(j)) return finished(j.state) ? verify_run::none : verify_run::second;
  const bool chosen = !q.config.requests && chance_of(j.id) < q.config.verify_idempotency;
  return chosen ? verify_run::first : verify_run::none;
}

void engine::parts::give_run_trace(job& j) {
  std::erase_if(j.fields, [](const auto& f) { return iequals(f.first, "traceparent"); });
  j.fields.emplace_back("traceparent", fmt::format("00-{}-{:016x}-01", run_trace(j.id, j.attempt),
                                                   mix64(j.id + j.attempt) | 1));
}

// The first success of a chosen job: it stands where it stood, for one more delivery.
result<reply> engine::parts::run_again(job& j, queue_entry& q, std::uint32_t parts_to_save,
                                       std::int64_t took, plane_time now) {
  const auto rank = j.rank;
  j.due_ms = now.steady_ms;
  if (auto r = place(j, q, now); !r) return std::unexpected(r.error());
  j.rank = rank;
  if (auto r = stored.save(j, parts_to_save); !r) return lost(r.error());
  enter(q, j);
  tell(job_event::kind::succeeded, j, {}, took);
  events.back().run = verify_run::first;
  events.back().state = job_state::done;  // as whoever ran it sees it
  return settled{j.id, job_state::done, std::nullopt};
}

// The second run has ended, however it did: the job is done by the first.
result<settled> engine::parts::end_second_run(job& j, queue_entry& q, std::string error,
                                              std::int64_t took, plane_time now) {
  if (auto r = finish(j, q, job_state::done, part::state | part::history, now); !r)
    return std::unexpected(r.error());
  tell(job_event::kind::verified, j, std::move(error), took);
  events.back().run = verify_run::second;
  return settled{j.id, j.state, std::nullopt};
}

}  // namespace fairing::jobs
