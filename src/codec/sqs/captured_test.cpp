// What clients really sent is read as what they were asked to send, and its signature is right.
#include <gtest/gtest.h>

#include "base/ascii.hpp"
#include "codec/sqs/captured_requests.hpp"
#include "codec/sqs/decode.hpp"
#include "codec/sqs/sigv4.hpp"

namespace fairing::codec::sqs {
namespace {

std::string_view header(const captured& c, std::string_view name) {
  for (const auto& [key, value] : c.headers)
    if (iequals(key, name)) return value;
  return {};
}

decoded read(const captured& c) {
  return decode({.method = c.method,
                 .path = c.path,
                 .query = c.query,
                 .target = header(c, "x-amz-target"),
                 .content_type = header(c, "content-type"),
                 .query_mode = header(c, "x-amzn-query-mode") == "true",
                 .body = c.body});
}

// The requests of one client, in the order they were recorded, all of them readable.
template <class T>
std::vector<T> all_of(std::string_view client) {
  std::vector<T> out;
  for (const auto& c : captured_requests) {
    if (c.client != client) continue;
    auto d = read(c);
    if (!d.what)
      ADD_FAILURE() << c.body << ": " << d.what.error().message();
    else if (auto* a = std::get_if<T>(&*d.what))
      out.push_back(std::move(*a));
  }
  return out;
}

// 2026-11-29T13:07:21Z: all were signed some seconds before.
constexpr std::int64_t recorded_s = 1'795'957'641;

signed_request as_signed(const captured& c) {
  return {
      .method = c.method, .path = c.path, .query = c.query, .headers = c.headers, .body = c.body};
}

TEST(captured, every_action_was_recorded) {
  std::vector<int> seen(action_count);
  for (const auto& c : captured_requests) {
    const auto d = read(c);
    ASSERT_TRUE(d.what) << c.body << d.what.error().message();
    EXPECT_EQ(d.how.how, c.client == "js" ? protocol::json : protocol::query);
    EXPECT_EQ(d.how.query_mode, c.client == "js");
    EXPECT_EQ(kind_of(*d.what), d.how.kind);
    ++seen[d.what->index()];
  }
  for (std::size_t i = 0; i < action_count; ++i)
    EXPECT_GT(seen[i], 0) << to_string(static_cast<action_kind>(i));
}

TEST(captured, send_message) {
  for (const std::string_view client : {"js", "boto3"}) {
    const auto all = all_of<send_message>(client);
    ASSERT_FALSE(all.empty());
    const auto& m = all[0].what;
    EXPECT_EQ(all[0].queue, "emails");
    EXPECT_EQ(m.body, client == "js" ? "hello & <w\u00F6rld> +1 \U0001F600\"\n"
                                     : "hello & <w\u00F6rld> +1");
    EXPECT_EQ(m.delay_s, 5);
    EXPECT_EQ(m.trace_header, "Root=1-5759e988-bd862e3fe1be46a994272793");
    const std::vector<message_attribute> attributes{{"a", "Number.int", "7"},
                                                    {"b", "Binary", std::string("\x00\xff", 2)}};
    EXPECT_EQ(m.attributes, attributes);
  }
  const auto fifo = all_of<send_message>("js")[1];
  EXPECT_EQ(fifo.queue, "emails.fifo");
  EXPECT_EQ(fifo.what.group, "g");
  EXPECT_EQ(fifo.what.deduplication, "d");
}

TEST(captured, batches) {
  for (const std::string_view client : {"js", "boto3"}) {
    const auto sends = all_of<send_message_batch>(client);
    ASSERT_EQ(sends.size(), 1U);
    ASSERT_EQ(sends[0].entries.size(), 2U);
    EXPECT_EQ(sends[0].entries[0].id, "1");
    EXPECT_EQ(sends[0].entries[0].what->body, "x");
    ASSERT_EQ(sends[0].entries[1].what->attributes.size(), 1U);
    EXPECT_EQ(sends[0].entries[1].what->attributes[0].value, "v");
    const auto deletes = all_of<delete_message_batch>(client);
    ASSERT_EQ(deletes.at(0).entries.size(), 2U);
    EXPECT_EQ(deletes[0].entries[1].receipt_handle, "h2");
    const auto changes = all_of<change_visibility_batch>(client);
    EXPECT_EQ(*changes.at(0).entries.at(0).visibility_s, 9);
  }
}

TEST(captured, receive_message_also_by_path) {
  for (const std::string_view client : {"js", "boto3"}) {
    const auto all = all_of<receive_message>(client);
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all[0].most, 10);
    EXPECT_EQ(all[0].wait_s, 20);
    EXPECT_EQ(all[0].visibility_s, 30);
    EXPECT_EQ(all[0].attempt_id, "rr");
    EXPECT_EQ(all[0].system_attributes.at(0), "All");
    EXPECT_EQ(all[0].message_attributes, (std::vector<std::string>{".*", "x.*"}));
  }
  // Presigned GET, signed GET and kombu's POST: none of them has a QueueUrl.
  const auto all = all_of<receive_message>("boto3");
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(all[i].queue, "emails");
  EXPECT_EQ(all[1].message_attributes.at(0), "a b+c");
}

TEST(captured, queues) {
  for (const std::string_view client : {"js", "boto3"}) {
    const auto made = all_of<create_queue>(client).at(0);
    EXPECT_EQ(made.queue, "emails.fifo");
    EXPECT_EQ(made.attributes, (string_pairs{{"FifoQueue", "true"}, {"VisibilityTimeout", "60"}}));
    EXPECT_EQ(made.tags, (string_pairs{{"team", "a"}}));
    EXPECT_EQ(all_of<tag_queue>(client).at(0).tags, (string_pairs{{"k", "v"}, {"l", "w"}}));
    EXPECT_EQ(all_of<untag_queue>(client).at(0).keys, (std::vector<std::string>{"k", "l"}));
    const auto lists = all_of<list_queues>(client);
    EXPECT_EQ(lists.at(0).prefix, "");
    EXPECT_EQ(lists.at(1).prefix, "e");
    EXPECT_EQ(lists.at(1).most, 5);
    EXPECT_EQ(lists.at(1).next_token, "t");
    EXPECT_EQ(all_of<get_queue_attributes>(client).at(0).names, (std::vector<std::string>{"All"}));
    EXPECT_EQ(all_of<set_queue_attributes>(client).at(0).attributes.at(0).first, "RedrivePolicy");
    EXPECT_EQ(all_of<add_permission>(client).at(0).label, "l");
  }
  const auto move = all_of<start_message_move_task>("js").at(0);
  EXPECT_EQ(move.source, "dead");
  EXPECT_EQ(move.destination, "emails");
  EXPECT_EQ(move.a_second, 50);
}

TEST(captured, every_signature_is_right) {
  const verifier v({{"other", "x"}, {std::string(captured_key), std::string(captured_secret)}});
  for (const auto& c : captured_requests) {
    const auto who = v.verify(as_signed(c), recorded_s);
    EXPECT_TRUE(who) << c.query << c.body << ": " << (who ? "" : who.error().message());
    if (who) EXPECT_EQ(*who, captured_key);
  }
}

TEST(captured, no_signature_covers_anything_else) {
  const verifier v({{std::string(captured_key), std::string(captured_secret)}});
  const verifier other({{std::string(captured_key), "another secret"}});
  const verifier nobody({});
  for (const auto& c : captured_requests) {
    EXPECT_EQ(other.verify(as_signed(c), recorded_s).error().code, errc::signature_does_not_match);
    EXPECT_EQ(nobody.verify(as_signed(c), recorded_s).error().code, errc::invalid_access_key);
    auto r = as_signed(c);
    r.path = "/000000000000/others";
    EXPECT_EQ(v.verify(r, recorded_s).error().code, errc::signature_does_not_match);
    r = as_signed(c);
    r.method = c.method == "GET" ? "POST" : "GET";
    EXPECT_EQ(v.verify(r, recorded_s).error().code, errc::signature_does_not_match);
    r = as_signed(c);
    const std::string body = std::string(c.body) + " ";
    r.body = body;
    EXPECT_EQ(v.verify(r, recorded_s).error().code, errc::signature_does_not_match);
    r = as_signed(c);
    const std::string query = std::string(c.query) + "&Action=PurgeQueue";
    r.query = query;
    EXPECT_EQ(v.verify(r, recorded_s).error().code, errc::signature_does_not_match);
    EXPECT_EQ(v.verify(as_signed(c), recorded_s + 1000).error().code, errc::request_expired);
    EXPECT_EQ(v.verify(as_signed(c), recorded_s - 1000).error().code, errc::request_expired);
  }
}

}  // namespace
}  // namespace fairing::codec::sqs
