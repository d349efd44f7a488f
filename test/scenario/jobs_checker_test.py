"""The torture's checker, on histories that were forged: each kind of fault must be found, else the torture proves nothing.

The history that is right passes; every test breaks one thing in it. What stands in the book while clients run (stale
completions, a lease given twice) is checked by the book, the rest at the end by JobsTorture.
"""
import copy
import os
import sys
import unittest
from datetime import datetime, timezone

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.jobs_load import LADDER, Book
from support.jobs_torture import DEAD, DONE, JobsTorture, id_text

BEGAN = 1_764_460_800_000  # ms
LEASED = 2


def text_of(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Forged(JobsTorture, unittest.TestCase):
    """A plain job, three of a FIFO key, two lives of a unique name, one that climbed the ladder and died."""

    def setUp(self):
        self.book, self.downs, self.began, self.attempts, self.jobs = Book(), [], {}, {}, {}
        self.count = 0
        self.plain = self.run_job("plain", "0-1")
        self.line = [self.run_job("line.fifo", f"0-{n} k0-0 {n}", key="k0-0") for n in (1, 2, 3)]
        self.twins = [self.run_job("unique", f"0-{n}", unique="u") for n in (8, 9)]
        self.dead = self.run_job("ladder", "0-10", ends=DEAD)

    def run_job(self, queue, name, key=None, unique=None, ends=DONE):
        """One life after the other, a second each."""
        self.count += 1
        job = id_text(self.count)
        put = BEGAN + 1000 * self.count
        self.jobs[job] = {"queue": queue, "state": ends, "created": put, "finished": put + 900, "unique": unique, "name": name}
        self.book.put(job, queue, name, key, unique is None)
        self.began[job] = put + 1
        last = 4 if ends == DEAD else 1
        at = put + 1
        attempts = []
        for attempt in range(1, last + 1):
            self.book.given(job, attempt, f"lease {attempt}")
            sent = self.book.sending(job)
            attempts.append({"attempt": attempt, "began": text_of(at), "ended": text_of(at + 10)})
            at += 10 + (round(1000 * LADDER[attempt]) if attempt < len(LADDER) else 0)
            how = "done" if ends == DONE else "dead" if attempt == last else "scheduled"
            self.book.completed(job, attempt, sent, how, False)
        if queue == "ladder":
            self.attempts[job] = attempts
        return job

    def check(self):
        self.assertEqual(self.book.faults, [])
        states = self.nothing_is_lost_or_doubled(self.jobs)
        return states, self.fifo_order_is_kept(self.jobs), self.the_ladder_is_exact()

    def flagged(self, why):
        with self.assertRaisesRegex(AssertionError, why):
            self.check()

    def test_a_history_that_is_right_passes(self):
        states, in_line, lateness = self.check()
        self.assertEqual((states[DONE], states[DEAD], in_line, len(lateness)), (6, 1, 3, 3))

    # -- what is lost, doubled, or not as clients were told -------------------------------------------------

    def test_a_job_that_is_lost(self):
        del self.jobs[self.plain]
        self.flagged("acknowledged and gone")

    def test_a_job_that_never_ends(self):
        self.jobs[self.plain]["state"] = LEASED
        self.flagged("Items in the first set")

    def test_a_job_that_was_done_and_is_a_dead_letter(self):
        self.jobs[self.plain]["state"] = DEAD
        self.flagged(self.plain)

    def test_a_job_that_is_done_and_nobody_did(self):
        del self.book.ended[self.plain]
        self.flagged("nobody had completed it")
        self.book.perhaps_ended.add(self.plain)  # an answer that never came is another matter
        self.check()

    def test_a_request_that_became_two_jobs(self):
        self.jobs[id_text(77)] = copy.copy(self.jobs[self.plain])
        self.flagged("one request, two jobs")

    def test_a_job_that_nobody_put(self):
        self.jobs[id_text(77)] = {**self.jobs[self.plain], "name": "9-9"}
        self.flagged("nobody put")
        self.book.unanswered.add("9-9")  # asked for, and not answered
        self.check()

    def test_a_unique_name_with_two_live_jobs(self):
        one, other = self.twins
        self.jobs[one]["finished"] = self.jobs[other]["created"] + 1
        self.flagged("two live jobs named u")

    # -- order and ladder ----------------------------------------------------------------------------------

    def test_a_line_with_a_gap(self):
        gone = self.line[1]
        del self.jobs[gone], self.book.acked[gone], self.book.ended[gone]
        self.flagged("k0-0")

    def test_a_job_of_a_key_that_overtook_by_the_planes_own_times(self):
        self.began[self.line[1]] = self.jobs[self.line[0]]["finished"] - 1
        self.flagged("overtook")

    def test_a_job_of_a_key_that_overtook_as_workers_saw_it(self):
        one, other = self.line[:2]
        how, _ = self.book.ended[one]
        self.book.ended[one] = (how, self.book.delivered[other][0] + 1)
        self.flagged("overtook")

    def test_jobs_of_a_key_whose_ids_are_in_another_order(self):
        one, other = self.line[:2]
        self.jobs[one]["name"], self.jobs[other]["name"] = self.jobs[other]["name"], self.jobs[one]["name"]
        self.flagged("ids of a key ascend")

    def test_a_retry_that_came_early(self):
        third = self.attempts[self.dead][2]
        third["began"] = text_of(BEGAN)
        self.flagged("attempt 3 came early")

    def test_an_attempt_too_many_and_one_too_few(self):
        all_four = self.attempts[self.dead]
        self.attempts[self.dead] = all_four + [{**all_four[3], "attempt": 5}]
        self.flagged(self.dead)
        self.attempts[self.dead] = all_four[:3]
        self.flagged(self.dead)

    # -- what the book sees while clients run ---------------------------------------------------------------

    def faults_of(self, why):
        self.assertEqual(len(self.book.faults), 1, self.book.faults)
        self.assertRegex(self.book.faults[0], why)
        self.flagged(why)

    def new_job(self):
        self.book.put("new", "plain", "0-99", None, True)
        self.book.given("new", 1, "first")
        return self.book.sending("new")

    def test_a_completion_by_a_stale_lease(self):
        self.new_job()
        self.book.given("new", 2, "second")
        sent = self.book.sending("new")
        self.book.completed("new", 1, sent, "done", False)
        self.faults_of("done of attempt 1 accepted although 2 had begun")

    def test_a_completion_after_the_deadline(self):
        self.book.completed("new", 1, self.new_job(), "done", True)
        self.faults_of("accepted after its deadline")

    def test_two_ends_of_one_job(self):
        sent = self.new_job()
        self.book.completed("new", 1, sent, "done", False)
        self.book.completed("new", 1, sent, "dead", False)
        self.faults_of("dead accepted, but done was before")

    def test_a_job_that_is_given_out_after_its_end(self):
        self.book.completed("new", 1, self.new_job(), "done", False)
        self.book.given("new", 2, "second")
        self.faults_of("given out after its end")

    def test_an_attempt_that_is_given_to_two_workers(self):
        self.new_job()
        self.book.given("new", 1, "another")
        self.faults_of("attempt 1 was given out twice")

    def test_a_key_that_made_two_jobs(self):
        self.new_job()
        self.book.put("newer", "plain", "0-99", None, True)
        self.faults_of("two jobs by one Idempotency-Key")


if __name__ == "__main__":
    unittest.main()
