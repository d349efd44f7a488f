#include "jobs/logic/job.hpp"

#include <gtest/gtest.h>

#include <string>

#include "jobs/logic/engine_parts.hpp"
#include "jobs/logic/error_text.hpp"
#include "jobs/logic/pace.hpp"
#include "jobs/logic/packed.hpp"

namespace fairing::jobs {
namespace {

TEST(job, ids_are_ordered_as_text_and_come_back) {
  const job_id ids[] = {0, 1, 31, 32, 7'411'000'000'000'000'000ULL, UINT64_MAX};
  std::string before;
  for (const auto id : ids) {
    const auto text = id_text(id);
    EXPECT_EQ(text.size(), 13);
    EXPECT_EQ(id_from(text), id);
    EXPECT_GE(text, before);
    before = text;
  }
  EXPECT_EQ(id_from("000000000001o"), 32);  // as people copy it
  EXPECT_FALSE(id_from("000000000001U"));
  EXPECT_FALSE(id_from("G000000000000"));  // over 64 bits
  EXPECT_FALSE(id_from(""));
}

TEST(job, tokens_come_back) {
  const lease_token t{.job = 42, .secret = UINT64_MAX};
  EXPECT_EQ(token_from(token_text(t)), t);
  EXPECT_FALSE(token_from(id_text(42)));
}

TEST(job, states_have_words) {
  for (std::size_t i = 0; i < job_state_count; ++i) {
    const auto s = static_cast<job_state>(i);
    EXPECT_EQ(job_state_from(to_string(s)), s);
  }
  EXPECT_FALSE(job_state_from("running"));
}

TEST(error_text, what_differs_is_replaced) {
  EXPECT_EQ(normalised("user 4711 \"bob\": 3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            "user N \"...\": ID");
  EXPECT_EQ(normalised("can't connect to 10.0.0.7:5432\nstack"), "can't connect to N.N.N.N:N");
  EXPECT_EQ(normalised("key 'a'  gone after 30s"), "key \"...\" gone after Ns");
  EXPECT_EQ(normalised("0123456789abcdef failed"), "ID failed");
  EXPECT_EQ(normalised("decade of facade"), "decade of facade");  // hexadecimal by chance
  EXPECT_EQ(normalised(std::string(5'000, 'x')).size(), 200);
  EXPECT_EQ(normalised("\"open"), "\"open");
  const std::string frames =
      "Traceback (most recent call last):\n  File \"a.py\", line 3, in run\n    f()\n";
  EXPECT_EQ(normalised(frames + "KeyError: 'x17'\n"), "KeyError: \"...\"");
  EXPECT_EQ(normalised(frames + "KeyError: 1\n\nDuring handling of the above exception:\n\n" +
                       frames + "app.TimedOut: after 30 s\nand more"),
            "app.TimedOut: after N s");
  EXPECT_EQ(normalised("Traceback (most recent call last):"), "Traceback (most recent call last):");
  std::string deep = "Traceback (most recent call last):\n";
  for (int i = 0; i < 500; ++i) deep += "  File \"a.py\", line 3, in run\n    f()\n";
  const auto kept = shortened(deep + "RecursionError: too deep", 4'096);
  EXPECT_LE(kept.size(), 4'096);
  EXPECT_EQ(normalised(kept), "RecursionError: too deep");
  EXPECT_EQ(shortened(std::string(5'000, 'x'), 4'096).size(), 4'096);
}

TEST(pace, events_are_spaced_and_places_given_once) {
  pace p;
  const rate six{6, milliseconds{60'000}};
  EXPECT_EQ(p.ready(six, 0), 1);
  p.take(six, 1, 0);
  EXPECT_EQ(p.ready(six, 9'999), 0);
  EXPECT_EQ(p.next_ms(six), 10'000);
  EXPECT_EQ(p.reserve(six, 0), 10'000);
  EXPECT_EQ(p.reserve(six, 0), 20'000);
  EXPECT_EQ(p.ready(six, 29'999), 0);
  EXPECT_EQ(p.ready(six, 30'000), 1);
  pace fast;
  const rate thousand{1'000, milliseconds{1'000}};
  EXPECT_EQ(fast.ready(thousand, 5), 100);  // a tenth of a second's worth
  fast.take(thousand, 100, 5);
  EXPECT_EQ(fast.ready(thousand, 5), 0);
  EXPECT_EQ(fast.ready(thousand, 15), 10);
}

TEST(packed, comes_back_or_is_refused) {
  job j;
  j.timeout_ms = 5;
  j.batch = UINT64_MAX;
  j.owner = "shop";
  j.content_type = "text/plain";
  j.attempts = {milliseconds{0}, milliseconds{300'000}};
  j.fields = {{"a", ""}, {"", std::string(300, 'b')}};
  j.history = {{.attempt = 1, .began_ms = 5, .ended_ms = 6, .error = "no", .lease_expired = true},
               {.attempt = 2}};
  job back;
  const auto spec = pack_spec(j);
  const auto history = pack_history(j);
  ASSERT_TRUE(unpack_spec(spec, back));
  ASSERT_TRUE(unpack_history(history, back));
  EXPECT_EQ(back.attempts, j.attempts);
  EXPECT_EQ(back.fields, j.fields);
  EXPECT_EQ(back.batch, j.batch);
  ASSERT_EQ(back.history.size(), 2);
  EXPECT_TRUE(back.history[0].lease_expired);
  EXPECT_EQ(back.history[0].error, "no");
  for (std::size_t n = 0; n < spec.size(); ++n)
    EXPECT_FALSE(unpack_spec(spec.substr(0, n), back)) << n;
  for (std::size_t n = 1; n < history.size(); ++n)
    EXPECT_FALSE(unpack_history(history.substr(0, n), back)) << n;
}

TEST(task, comes_back) {
  long_task t{.fact = "task:1",
              .queue = 3,
              .to = 4,
              .waiting = true,
              .up_to = UINT64_MAX,
              .left = 9,
              .before_ms = 77};
  t.after = {.finished_ms = 5, .id = 1ULL << 63};
  t.limit = {10, milliseconds{60'000}};
  t.error = "user N \"...\" unknown";
  const auto back = task_from("task:1", task_text(t));
  ASSERT_TRUE(back);
  EXPECT_EQ(task_text(*back), task_text(t));
  EXPECT_EQ(back->after.id, t.after.id);
  EXPECT_EQ(back->error, t.error);
  EXPECT_FALSE(task_from("task:1", "nonsense"));
  EXPECT_FALSE(task_from("task:1", "purge 1 2"));
}

}  // namespace
}  // namespace fairing::jobs
