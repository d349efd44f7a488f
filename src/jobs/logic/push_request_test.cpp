#include "jobs/logic/push_request.hpp"

#include <gtest/gtest.h>

#include "codec/http1/parser.hpp"

namespace fairing::jobs {
namespace {

namespace http1 = codec::http1;

leased_job sample() {
  leased_job j;
  j.work.id = 12345;
  j.work.attempt = 2;
  j.work.content_type = "application/json";
  j.work.payload = R"({"to":"ann"})";
  j.token = {12345, 77};
  return j;
}

struct built {
  explicit built(const leased_job& j, std::string_view secret = {})
      : url(*parse_push_url("http://127.0.0.1:3000/jobs?x=1")),
        keys(*webhook_keys::parse(secret)),
        text(push_head(j, {url, keys, "emails", 1'614'265'330'500, 1'614'265'360'000})) {
    http1::head_parser p;
    EXPECT_EQ(p.parse_request(text, head), http1::parse_status::complete);
  }
  std::string_view get(std::string_view name) const {
    const auto* h = head.find(name);
    return h ? h->value : std::string_view{"none"};
  }
  push_url url;
  webhook_keys keys;
  std::string text;
  http1::request_head head;
};

TEST(push_request, carries_what_a_lease_would_give) {
  const auto j = sample();
  const built b(j);
  EXPECT_EQ(b.head.method, http1::method::post);
  EXPECT_EQ(b.head.target, "/jobs?x=1");
  EXPECT_EQ(b.get("host"), "127.0.0.1:3000");
  EXPECT_EQ(b.head.content_length, j.work.payload.size());
  EXPECT_EQ(b.get("webhook-id"), id_text(12345));
  EXPECT_EQ(b.get("webhook-timestamp"), "1614265330");
  EXPECT_EQ(b.get("webhook-signature"), "none");
  EXPECT_EQ(b.get("fairing-queue"), "emails");
  EXPECT_EQ(b.get("fairing-attempt"), "2");
  EXPECT_EQ(b.get("fairing-deadline"), "2021-02-25T15:02:40.000Z");
  EXPECT_EQ(b.get("fairing-lease"), token_text(j.token));
}

TEST(push_request, is_signed_where_there_is_a_secret) {
  const auto j = sample();
  const built b(j, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  EXPECT_EQ(b.get("webhook-signature"), b.keys.sign(id_text(12345), 1'614'265'330, j.work.payload));
}

TEST(push_request, the_jobs_fields_go_along_but_cannot_stand_for_ours) {
  auto j = sample();
  j.work.fields = {{"ce-type", "mail.sent"},
                   {"Host", "evil"},
                   {"Webhook-Signature", "v1,forged"},
                   {"content-length", "3"},
                   {"transfer-encoding", "chunked"},
                   {"two words", "x"},
                   {"x-note", "a\r\nb: c"}};
  const built b(j);
  EXPECT_EQ(b.get("ce-type"), "mail.sent");
  EXPECT_EQ(b.get("host"), "127.0.0.1:3000");
  EXPECT_EQ(b.get("webhook-signature"), "none");
  EXPECT_EQ(b.get("x-note"), "a  b: c");
  EXPECT_EQ(b.head.content_length, j.work.payload.size());
}

TEST(push_request, attributes_of_sqs_messages_go_along_by_their_names) {
  auto j = sample();
  j.work.fields = {{"sqs-attribute:kind", "String:mail: new"},
                   {"sqs-attribute:n.of", "Number:3"},
                   {"sqs-attribute:raw", "Binary:/w=="},
                   {"sqs-attribute:large", "String:" + std::string(9'000, 'x')},
                   {"sqs-attribute:lines", "String:a\r\nhost: b"},
                   {"sqs-system:SenderId", "AKIA"},
                   {"fairing-attribute-kind", "forged"}};
  const built b(j);
  EXPECT_EQ(b.get("fairing-attribute-kind"), "mail: new");
  EXPECT_EQ(b.get("fairing-attribute-n.of"), "3");
  EXPECT_EQ(b.get("fairing-attribute-raw"), "/w==");
  EXPECT_EQ(b.get("fairing-attribute-large"), "none") << "a head has its bounds";
  EXPECT_EQ(b.get("fairing-attribute-lines"), "a  host: b");
  EXPECT_EQ(b.text.find("AKIA"), std::string::npos);
  EXPECT_EQ(b.text.find("forged"), std::string::npos);
}

TEST(push_request, the_trace_is_the_jobs_or_one_of_its_own) {
  auto j = sample();
  const auto first = traceparent_of(j.work);
  EXPECT_EQ(first.size(), 55U);
  ++j.work.attempt;
  EXPECT_EQ(traceparent_of(j.work).substr(0, 36), first.substr(0, 36));
  EXPECT_NE(traceparent_of(j.work), first);
  j.work.fields = {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
  const built b(j);
  EXPECT_EQ(b.get("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

}  // namespace
}  // namespace fairing::jobs
