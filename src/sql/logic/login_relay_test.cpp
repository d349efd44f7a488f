#include "sql/logic/login_relay.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_writer.hpp"

namespace fairing::sql {
namespace {

namespace pg = codec::pgwire;
using step = login_relay::step;

constexpr pg::backend_key ours{7, 8};
constexpr pg::backend_key theirs{70, 80};

login_relay::options options(bool tls = false, bool trusted = false) {
  return {.key = ours,
          .client_private = true,
          .server_private = true,
          .server_tls = tls,
          .may_be_trusted = trusted};
}

std::string offer(std::vector<std::string_view> mechanisms) {
  std::string t;
  pg::append_authentication_sasl(t, mechanisms);
  return t;
}
std::string text(void (*append)(std::string&, std::string_view), std::string_view s) {
  std::string t;
  append(t, s);
  return t;
}
std::string initial(std::string_view mechanism, std::string_view data) {
  std::string t;
  pg::append_sasl_initial_response(t, mechanism, {data, false});
  return t;
}
std::string ok() {
  std::string t;
  pg::append_authentication_ok(t);
  return t;
}
std::string rest(pg::backend_key key) {
  std::string t;
  pg::append_parameter_status(t, "server_version", "15.1");
  pg::append_backend_key_data(t, key);
  pg::append_ready_for_query(t, pg::transaction_status::idle);
  return t;
}

struct talk {
  explicit talk(login_relay::options o) : relay(o) {}
  login_relay relay;
  std::string in;
  step server(const std::string& bytes) {
    std::size_t taken = 0;
    in += bytes;
    const auto s = relay.from_server(in, taken);
    in.erase(0, taken);
    return s;
  }
  step client(const std::string& bytes) {
    std::size_t taken = 0;
    const auto s = relay.from_client(bytes, taken);
    EXPECT_TRUE(taken == 0 || taken == bytes.size());
    return s;
  }
  std::string to_client() { return std::exchange(relay.to_client, {}); }
  std::string to_server() { return std::exchange(relay.to_server, {}); }
};

TEST(login_relay, passes_scram_on_without_channel_binding_and_with_our_key) {
  talk t(options());
  EXPECT_EQ(t.server(offer({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"})), step::client);
  EXPECT_EQ(t.to_client(), offer({"SCRAM-SHA-256"}));
  EXPECT_EQ(t.client(initial("SCRAM-SHA-256", "n,,n=,r=abc")), step::server);
  EXPECT_EQ(t.to_server(), initial("SCRAM-SHA-256", "n,,n=,r=abc"));
  const auto challenge = text(pg::append_authentication_sasl_continue, "r=abcdef,s=xx,i=4096");
  EXPECT_EQ(t.server(challenge), step::client);
  EXPECT_EQ(t.to_client(), challenge);
  const auto proof = text(pg::append_sasl_response, "c=biws,r=abcdef,p=yy");
  EXPECT_EQ(t.client(proof), step::server);
  EXPECT_EQ(t.to_server(), proof);
  const auto outcome = text(pg::append_authentication_sasl_final, "v=zz");
  EXPECT_EQ(t.server(outcome + ok() + rest(theirs)), step::ready);
  EXPECT_EQ(t.to_client(), outcome + ok() + rest(ours));
  EXPECT_EQ(t.relay.server_key(), theirs);
}

TEST(login_relay, takes_bytes_however_they_are_cut) {
  talk t(options());
  const auto all = offer({"SCRAM-SHA-256"});
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    EXPECT_EQ(t.server(all.substr(i, 1)), step::server);
  EXPECT_EQ(t.server(all.substr(all.size() - 1)), step::client);
  const auto proof = initial("SCRAM-SHA-256", "n,,");
  for (std::size_t n = 0; n < proof.size(); ++n)
    EXPECT_EQ(t.client(proof.substr(0, n)), step::client);
  EXPECT_EQ(t.client(proof), step::server);
}

TEST(login_relay, only_channel_binding_cannot_pass) {
  talk t(options());
  EXPECT_EQ(t.server(offer({"SCRAM-SHA-256-PLUS"})), step::failed);
  EXPECT_EQ(t.to_client(), "");
  EXPECT_NE(t.relay.refusal().hint.find("sql.users"), std::string::npos);
}

TEST(login_relay, a_client_that_could_bind_is_told_before_postgresql_calls_it_an_attack) {
  for (const bool tls : {false, true}) {
    talk t(options(tls));
    EXPECT_EQ(t.server(offer({"SCRAM-SHA-256"})), step::client);
    EXPECT_EQ(t.client(initial("SCRAM-SHA-256", "y,,n=,r=abc")), tls ? step::failed : step::server);
  }
}

TEST(login_relay, a_server_that_trusts_lets_in_local_clients_only) {
  talk near(options(false, true));
  EXPECT_EQ(near.server(ok() + rest(theirs)), step::ready);
  talk far(options());
  EXPECT_EQ(far.server(ok() + rest(theirs)), step::failed);
  EXPECT_EQ(far.to_client(), "");
  EXPECT_TRUE(far.relay.untried());
}

TEST(login_relay, clear_text_needs_privacy_on_both_sides) {
  std::string asks;
  pg::append_authentication_cleartext_password(asks);
  for (const auto& [client, server] : {std::pair{true, true}, {true, false}, {false, true}}) {
    auto o = options();
    o.client_private = client;
    o.server_private = server;
    talk t(o);
    EXPECT_EQ(t.server(asks), client && server ? step::client : step::failed);
  }
}

TEST(login_relay, postgresql_s_refusal_is_passed_on_and_known) {
  std::string error;
  pg::append_error(error, {.code = pg::sqlstate::invalid_password,
                           .severity = "FATAL",
                           .message = "password authentication failed"});
  talk t(options());
  EXPECT_EQ(t.server(text(pg::append_authentication_sasl_continue, "x")), step::client);
  EXPECT_EQ(t.client(text(pg::append_password, "wrong")), step::server);
  t.to_client();
  EXPECT_EQ(t.server(error), step::refused);
  EXPECT_EQ(t.to_client(), error);
  EXPECT_TRUE(t.relay.denied());
  EXPECT_FALSE(t.relay.untried());
}

TEST(login_relay, nonsense_of_either_side_ends_it) {
  const auto server = [](const std::string& bytes) {
    return talk(options(false, true)).server(bytes);
  };
  EXPECT_EQ(server(rest(theirs)), step::failed);                        // before it authenticated
  EXPECT_EQ(server(ok() + ok()), step::failed);                         // twice
  EXPECT_EQ(server(ok() + rest(theirs) + rest(theirs)), step::failed);  // more than the end
  EXPECT_EQ(server(std::string("R\0\1\0\0", 5)), step::failed);         // too long
  EXPECT_EQ(server(std::string("?\0\0\0\4", 5)), step::failed);
  std::string gss("R\0\0\0\x08\0\0\0\7", 9);
  EXPECT_EQ(server(gss), step::failed);
  talk t(options());
  EXPECT_EQ(t.server(offer({"SCRAM-SHA-256"})), step::client);
  EXPECT_EQ(t.client(std::string("Q\0\0\0\5\0", 6)), step::failed);
  talk u(options());
  EXPECT_EQ(u.server(offer({"SCRAM-SHA-256"})), step::client);
  EXPECT_EQ(u.client(initial("SCRAM-SHA-256-PLUS", "p=x")), step::failed);
}

TEST(login_relay, does_not_go_on_for_ever) {
  talk t(options());
  const auto challenge = text(pg::append_authentication_sasl_continue, "x");
  auto s = step::server;
  int rounds = 0;
  for (; rounds < 1000 && s != step::failed; ++rounds) {
    s = t.server(challenge);
    if (s == step::client) s = t.client(text(pg::append_sasl_response, "y"));
  }
  EXPECT_EQ(rounds, 65);
}

}  // namespace
}  // namespace fairing::sql
