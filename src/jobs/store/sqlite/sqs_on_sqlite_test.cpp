// SQS actions through the rules, the engine and a store on disk: what a queue made by the API does.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "jobs/logic/sqs_rules.hpp"
#include "jobs/store/plane_under_test.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::jobs::test {
namespace {

namespace sqs = codec::sqs;

class over_sqs {
 public:
  explicit over_sqs(store_maker make) : plane(std::move(make)) {}
  result<sqs::reply> ask(sqs::action a) {
    const queue_book book(plane.rules().queues(plane.now), {}, nullptr);
    const sqs_context c{.base_url = "http://h", .now = plane.now};
    auto p = plan(std::move(a), book, moves, c);
    if (p.answer) return *p.answer;
    std::vector<result<reply>> replies;
    for (const auto& command : p.commands) replies.push_back(plane.apply(command));
    auto r = finish(p, std::move(replies), c);
    for (const auto& command : dead_letter_moves(plane.said.events, book))
      EXPECT_TRUE(plane.apply(command));
    return r;
  }
  std::vector<sqs::received_message> receive(const std::string& queue) {
    const auto r = ask(sqs::receive_message{
        .queue = queue, .most = 10, .system_attributes = {"ApproximateReceiveCount"}});
    return r ? std::get<sqs::received>(*r).messages : std::vector<sqs::received_message>{};
  }
  plane_under_test plane;
  sqs_moves moves;
};

store_maker maker(const std::string& file) {
  return [file]() -> std::unique_ptr<store> {
    auto s = open_sqlite({.path = file, .sync = sqlite_sync::off});
    EXPECT_TRUE(s);
    return s ? std::move(*s) : nullptr;
  };
}

TEST(sqs_on_sqlite, received_three_times_then_a_dead_letter) {
  std::string pattern = std::filesystem::temp_directory_path() / "fairing-sqs-XXXXXX";
  const std::string folder = ::mkdtemp(pattern.data());
  {
    over_sqs t(maker(folder + "/jobs.db"));
    ASSERT_TRUE(t.ask(sqs::create_queue{"dead", {}, {}}));
    ASSERT_TRUE(t.ask(sqs::create_queue{
        "mails",
        {{"RedrivePolicy",
          R"({"deadLetterTargetArn":"arn:aws:sqs:r:0:dead","maxReceiveCount":3})"}},
        {}}));
    ASSERT_TRUE(t.ask(sqs::send_message{"mails", {.body = "hello"}}));
    for (int i = 1; i <= 3; ++i) {
      const auto got = t.receive("mails");
      ASSERT_EQ(got.size(), 1U) << i;
      EXPECT_EQ(got[0].body, "hello");
      EXPECT_EQ(got[0].system_attributes.at(0).second, std::to_string(i));
      EXPECT_TRUE(t.ask(sqs::change_visibility{"mails", got[0].receipt_handle, 0}));
      // A handle that was given back is over.
      EXPECT_FALSE(t.ask(sqs::delete_message{"mails", got[0].receipt_handle}));
    }
    EXPECT_TRUE(t.receive("mails").empty());
    const auto dead = t.receive("dead");
    ASSERT_EQ(dead.size(), 1U);
    const sqs::delete_message last{"dead", dead[0].receipt_handle};
    EXPECT_TRUE(t.ask(last));
    EXPECT_TRUE(t.ask(last)) << "said again, as after an answer that was lost";
  }
  std::filesystem::remove_all(folder);
}

// A message with more attributes than a job of the native API may have fields is no reason to refuse the rest.
TEST(sqs_on_sqlite, large_attributes_refuse_no_batch) {
  std::string pattern = std::filesystem::temp_directory_path() / "fairing-sqs-XXXXXX";
  const std::string folder = ::mkdtemp(pattern.data());
  {
    over_sqs t(maker(folder + "/jobs.db"));
    ASSERT_TRUE(t.ask(sqs::create_queue{"mails", {}, {}}));
    const std::string large(100'000, 'x');
    sqs::send_message_batch batch{.queue = "mails", .entries = {}};
    batch.entries.push_back({"a", sqs::message{.body = "one"}});
    batch.entries.push_back(
        {"b", sqs::message{.body = "two", .attributes = {{"blob", "String", large}}}});
    batch.entries.push_back({"c", sqs::message{.body = std::string(2'000'000, 'y')}});
    const auto r = t.ask(std::move(batch));
    ASSERT_TRUE(r);
    const auto& sent = std::get<sqs::sent_batch>(*r).entries;
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_TRUE(sent[0].what);
    EXPECT_TRUE(sent[1].what);
    EXPECT_FALSE(sent[2].what);
    EXPECT_EQ(t.receive("mails").size(), 2U);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fairing::jobs::test
