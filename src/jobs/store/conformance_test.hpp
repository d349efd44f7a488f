// conformance: the cases that every store has to pass, through the engine's rules and directly.
//
// Problem: the rules are written once, the stores are many: what a rule needs of a store must be the same in each.
//
// Flow, in the test program of a store:
//   struct on_mine { static store_maker make(); };     // of a store that is empty; the maker opens it again and again
//   INSTANTIATE_TYPED_TEST_SUITE_P(mine, jobs_conformance, on_mine);
// Cases: conformance_cycle (lease, ladder, fencing), _keys (keys, FIFO, rates, priorities), _names (unique, Idempotency-
// Key, batches, limits), _time (cron, clocks, retention), _batches (loss, counts, redrive, purge),
// _verify (second runs);
// model_check (random commands with crashes).
// Threads: one.
#pragma once

#include "jobs/store/conformance_batches.hpp"
#include "jobs/store/conformance_cycle.hpp"
#include "jobs/store/conformance_keys.hpp"
#include "jobs/store/conformance_names.hpp"
#include "jobs/store/conformance_requests.hpp"
#include "jobs/store/conformance_suite.hpp"
#include "jobs/store/conformance_time.hpp"
#include "jobs/store/conformance_verify.hpp"
#include "jobs/store/model_check.hpp"

namespace fairing::jobs::test {

TYPED_TEST_P(jobs_conformance, random_commands_keep_the_rules) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    model_check m(TypeParam::make(), seed);
    for (int i = 0; i < 400 && !this->HasFatalFailure(); ++i) {
      m.step();
      if (i % 10 == 0) m.audit();
    }
    m.drain();
    m.audit();
    if (this->HasFatalFailure()) return;
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    jobs_conformance, a_job_is_put_leased_and_done, the_ladder_is_exact, a_retry_after_is_honoured,
    not_before_is_the_later_of_two, a_grace_comes_on_top_of_the_jobs_own_timeout,
    a_lease_that_ran_out_is_a_failed_attempt, only_the_newest_lease_counts,
    a_lease_is_extended_and_given_back, a_cancelled_job_is_gone_for_its_worker,
    bodies_of_any_size_come_back, leases_wait_in_line, a_lease_gives_as_much_as_a_batch_may_hold,
    large_jobs_keep_no_other_queue_waiting, a_batch_of_leases_has_an_end,
    a_job_of_a_key_waits_for_the_one_before, jobs_of_a_key_are_let_in_when_its_limit_goes,
    a_fifo_queue_keeps_the_order_over_retries, a_key_over_its_rate_waits, lost_turns_starve_no_key,
    concurrency_and_rate_hold_a_queue_back, priorities_age, the_oldest_job_is_the_one_ready_longest,
    a_paused_queue_gives_nothing, a_unique_name_is_free_when_its_job_has_ended,
    a_unique_name_stays_taken_for_a_time, a_name_by_time_ends_with_its_time,
    an_idempotency_key_gives_the_same_job, a_batch_that_is_sent_again_is_not_put_again,
    a_unique_name_is_asked_for_under_many_keys, a_batch_calls_back_when_all_have_ended,
    a_purge_ends_the_batches_of_its_jobs, a_batch_waits_for_jobs_that_were_there,
    what_is_too_much_is_refused, cron_fires_once_a_time, cron_misfires_by_policy,
    cron_goes_on_when_the_clock_was_far_ahead, a_wall_clock_that_jumps_moves_no_lease,
    finished_jobs_go_by_age_and_bytes, jobs_that_nobody_takes_die_of_age,
    retries_end_with_the_retention, those_behind_a_key_die_of_age_too,
    messages_go_after_their_retention_period, groups_of_errors_go_with_their_dead,
    what_ended_within_a_day_is_counted, a_full_queue_stops_itself_and_no_other,
    ids_go_up_when_the_clock_goes_back, a_lost_batch_leaves_nothing,
    counts_are_the_same_after_opening, dead_jobs_are_redriven, a_redrive_goes_on_after_a_crash,
    a_redrive_takes_what_died_while_the_clock_was_ahead, a_move_asks_for_no_name,
    a_purge_leaves_what_came_later, queues_appear_and_are_dropped,
    a_row_that_cannot_be_read_is_set_aside, a_lease_may_wait_in_a_queue_that_is_not_there_yet,
    look_ups_are_in_order, a_chosen_job_runs_once_more_and_is_done,
    a_second_run_never_makes_a_job_dead, jobs_are_chosen_by_their_share,
    kept_requests_are_for_nobody_else, a_worker_that_waits_is_given_no_kept_request,
    dead_requests_go_to_no_other_queue, random_commands_keep_the_rules);

}  // namespace fairing::jobs::test
