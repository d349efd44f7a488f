// What SQS actions ask of the engine, and what becomes of its replies.
#include "jobs/logic/sqs_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/sqs/digest.hpp"

namespace fairing::jobs {
namespace {

namespace sqs = codec::sqs;

const sqs_context here{
    .base_url = "http://h", .sender = "KEY", .now = {1'000'000, 1'700'000'000'000}};

engine::queue_state queue(std::uint32_t number, std::string name,
                          const sqs::string_pairs& attributes = {}) {
  engine::queue_state s;
  s.row = {.number = number, .name = name, .paused = false, .attributes = {}};
  queue_settings set;
  set.created_ms = 1'000;
  EXPECT_TRUE(set_attributes(set, name, attributes));
  s.row.attributes = write_settings(set);
  s.config = effective_config({}, s.row.attributes);
  return s;
}

engine::queue_state of_requests(std::uint32_t number, std::string name) {
  auto s = queue(number, std::move(name));
  s.config.requests = true;
  return s;
}

const queue_book& book() {
  static const queue_book b(
      {queue(1, "mails",
             {{"RedrivePolicy",
               R"({"deadLetterTargetArn":"arn:aws:sqs:r:0:dead","maxReceiveCount":"3"})"},
              {"VisibilityTimeout", "60"}}),
       queue(2, "dead"),
       queue(3, "f.fifo", {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}}),
       of_requests(4, "reports")},
      {"dead"}, nullptr);
  return b;
}

sqs_plan planned(sqs::action a) {
  sqs_moves moves;
  return plan(std::move(a), book(), moves, here);
}
std::error_code refused(sqs::action a) {
  const auto p = planned(std::move(a));
  return p.answer && !*p.answer ? p.answer->error().code : std::error_code();
}

TEST(sqs_rules, ids) {
  for (const job_id id : {job_id{0}, job_id{1}, job_id{0x123456789abcdef0}, ~job_id{0}}) {
    EXPECT_EQ(message_id_text(id).size(), 36U);
    EXPECT_EQ(job_of_message_id(message_id_text(id)), id);
  }
  EXPECT_EQ(message_id_text(0x123456789abcdef0), "12345678-9abc-8def-8000-000000000000");
  EXPECT_EQ(job_of_message_id("12345678-9abc-8def-8000-00000000000g"), std::nullopt);
}

TEST(sqs_rules, a_message_is_a_job) {
  sqs::message m{.body = "{}", .delay_s = 5};
  m.attributes = {
      {"b", "Binary", "\xff"},
      {"traceparent", "String", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
  m.trace_header = "Root=1-5759e988-bd862e3fe1be46a994272793";
  m.group = "tenant";
  auto p = planned(sqs::send_message{"mails", m});
  ASSERT_EQ(p.commands.size(), 1U);
  const auto& e = std::get<enqueue>(p.commands[0]);
  EXPECT_EQ(e.queue, "mails");
  EXPECT_EQ(e.jobs[0].payload, "{}");
  EXPECT_EQ(e.jobs[0].delay, milliseconds{5000});
  EXPECT_EQ(e.jobs[0].key, "tenant");
  EXPECT_EQ(e.jobs[0].trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(e.jobs[0].fields[0],
            (std::pair<std::string, std::string>{"sqs-attribute:b", "Binary:/w=="}));
  const auto r = finish(p, {reply{enqueued{{{.id = 7}}}}}, here);
  ASSERT_TRUE(r);
  EXPECT_EQ(std::get<sqs::sent>(*r).message_id, message_id_text(7));
  EXPECT_EQ(std::get<sqs::sent>(*r).md5_of_body, sqs::md5_hex("{}"));

  // And back, with what was asked for.
  leased_job l{.work = {.id = 7, .attempt = 2}, .token = {7, 9}};
  l.work.payload = "{}";
  l.work.fields = e.jobs[0].fields;
  l.work.created_ms = 5;
  auto q = planned(sqs::receive_message{.queue = "mails",
                                        .most = 2,
                                        .wait_s = 3,
                                        .system_attributes = {"All"},
                                        .message_attributes = {"b"}});
  const auto& asked = std::get<lease>(q.commands.at(0));
  EXPECT_EQ(asked.length, milliseconds{60'000});
  EXPECT_EQ(asked.wait_until_steady_ms, 1'003'000);
  const auto got = finish(q, {reply{leased{{l}}}}, here);
  ASSERT_TRUE(got);
  const auto& back = std::get<sqs::received>(*got).messages.at(0);
  EXPECT_EQ(back.receipt_handle, token_text({7, 9}));
  EXPECT_EQ(back.attributes, (std::vector<sqs::message_attribute>{{"b", "Binary", "\xff"}}));
  EXPECT_NE(std::ranges::find(back.system_attributes,
                              std::pair<std::string, std::string>{"ApproximateReceiveCount", "2"}),
            back.system_attributes.end());
  EXPECT_NE(std::ranges::find(back.system_attributes,
                              std::pair<std::string, std::string>{"SenderId", "KEY"}),
            back.system_attributes.end());
}

TEST(sqs_rules, fifo) {
  auto p = planned(sqs::send_message{"f.fifo", {.body = "a", .group = "g"}});
  const auto& j = std::get<enqueue>(p.commands.at(0)).jobs.at(0);
  EXPECT_EQ(j.unique, sqs::sha256_hex("a"));
  EXPECT_EQ(j.unique_for, deduplication_window);
  const auto r = finish(p, {reply{enqueued{{{.id = 8}}}}}, here);
  EXPECT_EQ(std::get<sqs::sent>(*r).sequence_number, "00000000000000000008");
}

TEST(sqs_rules, handles) {
  EXPECT_EQ(refused(sqs::delete_message{"mails", "x"}), sqs::errc::receipt_handle_is_invalid);
  EXPECT_EQ(refused(sqs::delete_message{"none", token_text({1, 2})}),
            sqs::errc::queue_does_not_exist);
  auto p = planned(sqs::delete_message_batch{
      "mails", {{"a", token_text({1, 2})}, {"b", "x"}, {"c", token_text({3, 4})}}});
  ASSERT_EQ(p.commands.size(), 2U);
  const auto r = finish(p, {fail(errc::stale_lease, "late"), fail(errc::not_found)}, here);
  ASSERT_TRUE(r);
  const auto& e = std::get<sqs::batch_outcome>(*r).entries;
  EXPECT_EQ(e[0].what.error().code, sqs::errc::receipt_handle_is_invalid);
  EXPECT_EQ(e[1].what.error().code, sqs::errc::receipt_handle_is_invalid);
  EXPECT_TRUE(e[2].what);  // gone already
  EXPECT_TRUE(std::holds_alternative<fail_job>(
      planned(sqs::change_visibility{"mails", token_text({1, 2}), 0}).commands.at(0)));
  EXPECT_TRUE(std::holds_alternative<extend>(
      planned(sqs::change_visibility{"mails", token_text({1, 2}), 1}).commands.at(0)));
}

TEST(sqs_rules, queues) {
  EXPECT_EQ(refused(sqs::create_queue{"mails", {{"VisibilityTimeout", "61"}}, {}}),
            sqs::errc::queue_name_exists);
  EXPECT_TRUE(
      planned(sqs::create_queue{"mails", {{"VisibilityTimeout", "60"}}, {}}).answer->has_value());
  EXPECT_EQ(refused(sqs::create_queue{"x", {{"VisibilityTimeout", "43201"}}, {}}),
            sqs::errc::invalid_attribute_value);
  EXPECT_EQ(refused(sqs::create_queue{"x", {{"Nope", "1"}}, {}}),
            sqs::errc::invalid_attribute_name);
  EXPECT_EQ(refused(sqs::create_queue{"x.fifo", {}, {}}), sqs::errc::invalid_parameter_value);
  EXPECT_EQ(refused(sqs::delete_queue{"dead"}), sqs::errc::access_denied);
  EXPECT_EQ(refused(sqs::create_queue{"reports", {}, {}}), sqs::errc::access_denied);
  EXPECT_EQ(refused(sqs::get_queue_url{"reports"}), sqs::errc::queue_does_not_exist);
  EXPECT_EQ(planned(sqs::create_queue{"x", {}, {}}).commands.size(), 1U);
  EXPECT_EQ(planned(sqs::list_dead_letter_source_queues{.queue = "dead"}).answer->value().index(),
            sqs::reply{sqs::queue_urls{}}.index());
}

TEST(sqs_rules, attributes_make_the_configuration) {
  const auto& mails = book().find("mails")->state.config;
  EXPECT_EQ(mails.timeout, milliseconds{60'000});
  EXPECT_EQ(mails.most_attempts, 3U);
  EXPECT_EQ(book().find("dead")->state.config.most_attempts, most_receives);
  queue_settings s;
  ASSERT_TRUE(set_attributes(s, "q", {{"FairingAttempts", "0s,1m"}}));
  EXPECT_EQ(effective_config({}, write_settings(s)).attempts,
            (std::vector<milliseconds>{milliseconds{0}, milliseconds{60'000}}));
  EXPECT_EQ(effective_config({}, "").attempts.size(), 4U);
  EXPECT_FALSE(effective_config({}, "").retention);
  ASSERT_TRUE(set_attributes(s, "q", {{"MessageRetentionPeriod", "60"}}));
  EXPECT_FALSE(set_attributes(s, "q", {{"MessageRetentionPeriod", "59"}}));
  EXPECT_EQ(effective_config({}, write_settings(s)).retention, milliseconds{60'000});
}

TEST(sqs_rules, dead_letters_move) {
  const auto moves = dead_letter_moves({{.what = job_event::kind::died, .id = 5, .queue = 1},
                                        {.what = job_event::kind::died, .id = 6, .queue = 2},
                                        {.what = job_event::kind::failed, .id = 7, .queue = 1}},
                                       book());
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(std::get<redrive>(moves[0]).to, "dead");
  EXPECT_EQ(std::get<redrive>(moves[0]).id, 5U);
}

TEST(sqs_rules, move_tasks) {
  sqs_moves moves;
  auto p = plan(sqs::start_message_move_task{"dead", "", 50}, book(), moves, here);
  ASSERT_TRUE(p.answer->has_value());
  EXPECT_FALSE(
      plan(sqs::start_message_move_task{"dead", "", 50}, book(), moves, here).answer->has_value());
  auto steps = moves.tick(here.now);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(std::get<redrive>(steps[0].what).most, 5U);
  EXPECT_EQ(std::get<redrive>(steps[0].what).to, "mails");
  EXPECT_TRUE(moves.tick(here.now).empty());
  moves.on_reply(steps[0].task, reply{counted{5}});
  EXPECT_EQ(moves.next_wake_steady_ms(), here.now.steady_ms + 100);
  steps = moves.tick({here.now.steady_ms + 100, here.now.wall_ms});
  moves.on_reply(steps.at(0).task, reply{counted{2}});
  EXPECT_EQ(moves.list("dead", 10).at(0).state, move_state::completed);
  EXPECT_EQ(moves.list("dead", 10).at(0).moved, 7U);
}

}  // namespace
}  // namespace fairing::jobs
