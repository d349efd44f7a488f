#include "codec/scram/server_fsm.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::codec::scram {
namespace {

using namespace std::string_literals;
using action = server_step::action;

// RFC 7677 §3.
const auto rfc_salt = *crypto::base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==", 16);
const auto rfc_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"s;
const auto rfc_nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"s;
const auto rfc_proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="s;
const auto rfc_final = "c=biws,r=" + rfc_nonce + ",p=" + rfc_proof;

server_fsm rfc_server(std::string binding = {}) {
  return server_fsm(
      *make_secret("pencil", rfc_salt, 4096),
      {.channel_binding = std::move(binding), .nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"});
}

// The verdict on one first message.
errc first(const std::string& text, std::string_view mechanism = mechanism_plain,
           const std::string& binding = {}) {
  auto fsm = rfc_server(binding);
  const auto step = fsm.start(mechanism, text);
  EXPECT_EQ(step.what == action::failure, step.error != errc::ok);
  if (step.what == action::failure) {
    EXPECT_EQ(step.bytes, "");
    EXPECT_EQ(fsm.feed(rfc_final).error, errc::out_of_order) << "a failed login stays failed";
  }
  EXPECT_EQ(fsm.keys(), nullptr);
  return step.error;
}

// The verdict on one final message after the RFC's first one.
errc final(const std::string& text) {
  auto fsm = rfc_server();
  EXPECT_EQ(fsm.start(mechanism_plain, rfc_first).what, action::proceed);
  const auto step = fsm.feed(text);
  EXPECT_EQ(step.what == action::success, fsm.keys() != nullptr);
  EXPECT_EQ(step.what == action::success, step.error == errc::ok);
  return step.error;
}

TEST(server_fsm, passes_the_exchange_of_rfc_7677) {
  auto fsm = rfc_server();
  auto step = fsm.start("SCRAM-SHA-256", rfc_first);
  ASSERT_EQ(step.what, action::proceed);
  EXPECT_EQ(step.bytes, "r=" + rfc_nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  EXPECT_EQ(fsm.keys(), nullptr);
  step = fsm.feed(rfc_final);
  ASSERT_EQ(step.what, action::success);
  EXPECT_EQ(step.bytes, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  const auto keys = derive_keys("pencil", rfc_salt, 4096);
  ASSERT_TRUE(keys);
  ASSERT_NE(fsm.keys(), nullptr);
  EXPECT_EQ(fsm.keys()->client_key.view(), keys->client_key.view());
  EXPECT_EQ(fsm.keys()->server_key.view(), keys->server_key.view());
  EXPECT_TRUE(fsm.keys()->fits(rfc_salt, 4096));
}

// libpq against PostgreSQL 15, its messages fed to this machine in the server's place.
TEST(server_fsm, accepts_what_libpq_sent_to_postgresql) {
  const auto secret = parse_secret(
      "SCRAM-SHA-256$4096:RmlL7xg5HHr/WGeJZc03yA==$kt2scm00Oud11WlsojdZM/VkSoRbIh5JSzVC0VRg5zg=:"
      "tf5lZHI/5h627Hx3qVc/KQ7JgB950EHTdAeMO+N1m7M=");
  ASSERT_TRUE(secret);
  server_fsm fsm(*secret, {.nonce = "MmgQfA0h8MNpi5mSV2pnMBNj"});
  auto step = fsm.start("SCRAM-SHA-256", "n,,n=,r=A1QEu92CIpDdivDh7wUZqKTu");
  ASSERT_EQ(step.what, action::proceed);
  EXPECT_EQ(step.bytes,
            "r=A1QEu92CIpDdivDh7wUZqKTuMmgQfA0h8MNpi5mSV2pnMBNj,s=RmlL7xg5HHr/WGeJZc03yA==,i=4096");
  step = fsm.feed(
      "c=biws,r=A1QEu92CIpDdivDh7wUZqKTuMmgQfA0h8MNpi5mSV2pnMBNj,"
      "p=Ecbn0ijNCIEVKAd+qxHLaYEHadd0NzaJzEzaUEXSvMk=");
  ASSERT_EQ(step.what, action::success);
  EXPECT_EQ(step.bytes, "v=F1UVci/hIUw4y2TwH27kjf9T4gI/HZB64z2gfL4dwfE=");
}

TEST(server_fsm, binds_to_the_channel) {
  std::string binding;
  for (char c = 0; c < 32; ++c) binding += c;
  server_fsm fsm(*make_secret("pencil", binding.substr(0, 16)),
                 {.channel_binding = binding, .nonce = "servernonce"});
  auto step = fsm.start("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=clientnonce");
  ASSERT_EQ(step.what, action::proceed);
  const auto answer = "r=clientnonceservernonce,p=GbL5XJ7j77im7qceeacVzTDqOf3hreQmQuA28grTBP4="s;
  auto other = fsm;
  step = fsm.feed(
      "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=," + answer);
  ASSERT_EQ(step.what, action::success);
  EXPECT_EQ(step.bytes, "v=duozlpYoYB5hrIlmc1vwrwpTq/eWzg57cCeqpxI1p1E=");
  step = other.feed(
      "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh4=," + answer);
  EXPECT_EQ(step.error, errc::channel_binding_mismatch);
}

TEST(server_fsm, judges_the_flags_of_channel_binding) {
  const auto bare = "n=,r=abc"s;
  EXPECT_EQ(first("n,," + bare), errc::ok);
  EXPECT_EQ(first("y,," + bare), errc::ok);
  EXPECT_EQ(first("n,," + bare, mechanism_plain, "hash"), errc::ok);
  EXPECT_EQ(first("y,," + bare, mechanism_plain, "hash"), errc::channel_binding_downgrade);
  EXPECT_EQ(first("p=tls-server-end-point,," + bare), errc::channel_binding_unexpected);
  EXPECT_EQ(first("p=tls-server-end-point,," + bare, mechanism_plain, "hash"),
            errc::channel_binding_unexpected);
  EXPECT_EQ(first("p=tls-server-end-point,," + bare, mechanism_plus, "hash"), errc::ok);
  EXPECT_EQ(first("p=tls-unique,," + bare, mechanism_plus, "hash"),
            errc::channel_binding_unexpected);
  EXPECT_EQ(first("n,," + bare, mechanism_plus, "hash"), errc::channel_binding_missing);
  EXPECT_EQ(first("y,," + bare, mechanism_plus, "hash"), errc::channel_binding_missing);
  EXPECT_EQ(first("p=tls-server-end-point,," + bare, mechanism_plus), errc::unsupported_mechanism);
  EXPECT_EQ(mechanisms(""), "SCRAM-SHA-256\0\0"s);
  EXPECT_EQ(mechanisms("hash"), "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s);
}

TEST(server_fsm, refuses_bad_first_messages) {
  EXPECT_EQ(first("n,,n=,r=abc,x=an optional extension"), errc::ok);
  for (const auto& text :
       {""s, "n"s, "n,"s, "n,,"s, "n,,r=abc"s, "n,,n="s, "n,,n=,"s, "n,,n=u,r"s, "n,,r=abc,n=u"s,
        "x,,n=,r=abc"s, "nn,,n=,r=abc"s, "p,,n=,r=abc"s, "n,x,n=,r=abc"s, "n,,n=,r=abc,"s,
        "n,,n=,r=abc,x"s, "n,,n=,r=abc,1=2"s, "n=,r=abc"s, " n,,n=,r=abc"s, "n,,n=,x=1,r=abc"s})
    EXPECT_EQ(first(text), errc::malformed_message) << text;
  EXPECT_EQ(first("n,a=postgres,n=,r=abc"), errc::authorization_identity);
  EXPECT_EQ(first("n,,m=future,n=,r=abc"), errc::mandatory_extension);
  EXPECT_EQ(first("n,,n=,m=future,r=abc"), errc::mandatory_extension);
  EXPECT_EQ(first("n,,n=,r=a\0bc"s), errc::embedded_nul);
  EXPECT_EQ(first("n,,n=,r=abc\0"s), errc::embedded_nul);
  for (const auto& nonce : {""s, "a b"s, "a\x7f"s, "\xc3\xa9"s, "a\n"s})
    EXPECT_EQ(first("n,,n=,r=" + nonce), errc::bad_nonce) << nonce;
  EXPECT_EQ(first("n,,n=,r=abc", "SCRAM-SHA-1"), errc::unsupported_mechanism);
  EXPECT_EQ(first("n,,n=,r=abc", ""), errc::unsupported_mechanism);
}

TEST(server_fsm, bounds_the_nonce_and_the_message) {
  EXPECT_EQ(first("n,,n=,r=" + std::string(max_client_nonce_bytes, 'x')), errc::ok);
  EXPECT_EQ(first("n,,n=,r=" + std::string(max_client_nonce_bytes + 1, 'x')), errc::bad_nonce);
  EXPECT_EQ(first("n,,n=,r=" + std::string(1 << 20, 'x')), errc::message_too_long);
  EXPECT_EQ(first("n,,n=" + std::string(1 << 20, 'u') + ",r=abc"), errc::message_too_long);
  EXPECT_EQ(final("c=biws,r=" + std::string(1 << 20, 'x') + ",p=" + rfc_proof),
            errc::message_too_long);
  EXPECT_EQ(final("c=biws,r=" + std::string(max_nonce_bytes + 1, 'x') + ",p=" + rfc_proof),
            errc::bad_nonce);
}

TEST(server_fsm, refuses_bad_final_messages) {
  EXPECT_EQ(final(rfc_final), errc::ok);
  const auto start = "c=biws,r=" + rfc_nonce;
  for (const auto& text :
       {""s, "c=biws"s, start, start + ",", start + ",x=1", "r=" + rfc_nonce + ",p=" + rfc_proof,
        "r=" + rfc_nonce + ",c=biws,p=" + rfc_proof, "c=biws,p=" + rfc_proof, rfc_final + ",",
        rfc_final + ",x=1", start + ",p" + rfc_proof, "p=" + rfc_proof + "," + start})
    EXPECT_EQ(final(text), errc::malformed_message) << text;
  EXPECT_EQ(final(rfc_final + "\0"s), errc::embedded_nul);
  EXPECT_EQ(final("m=x," + rfc_final), errc::mandatory_extension);
  for (const auto* binding : {"", "eSws", "biwsx", "biw=", "cD10bHMsLA=="})
    EXPECT_EQ(final("c="s + binding + ",r=" + rfc_nonce + ",p=" + rfc_proof),
              errc::channel_binding_mismatch);
  for (const auto& nonce :
       {rfc_nonce + "x", rfc_nonce.substr(0, rfc_nonce.size() - 1), "rOprNGfwEbeRWgbNEkqO"s, "x"s})
    EXPECT_EQ(final("c=biws,r=" + nonce + ",p=" + rfc_proof), errc::nonce_mismatch) << nonce;
  for (const auto& proof :
       {""s, "AAAA"s, rfc_proof + "AAAA", rfc_proof.substr(1), "*" + rfc_proof.substr(1),
        rfc_proof.substr(0, 43), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR="s})
    EXPECT_EQ(final(start + ",p=" + proof), errc::bad_base64) << proof;
  EXPECT_EQ(final(start + ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), errc::bad_proof);
  // An extension that the client did not sign.
  EXPECT_EQ(final(start + ",x=1,p=" + rfc_proof), errc::bad_proof);
}

TEST(server_fsm, an_unknown_user_looks_like_a_wrong_password) {
  const auto known = make_secret("pencil");
  const auto unknown = mock_secret("process secret", "nobody");
  ASSERT_TRUE(known && unknown);
  for (const auto& secret : {*known, *unknown}) {
    server_fsm fsm(secret, {.nonce = "servernonce"});
    auto step = fsm.start(mechanism_plain, "n,,n=,r=abc");
    ASSERT_EQ(step.what, action::proceed);
    EXPECT_TRUE(step.bytes.starts_with("r=abcservernonce,s=")) << step.bytes;
    EXPECT_TRUE(step.bytes.ends_with("==,i=4096")) << step.bytes;
    EXPECT_EQ(step.bytes.size(), 19U + 24 + 7);
    step = fsm.feed("c=biws,r=abcservernonce,p=" + rfc_proof);
    EXPECT_EQ(step.what, action::failure);
    EXPECT_EQ(step.error, errc::bad_proof);
    EXPECT_EQ(fsm.keys(), nullptr);
  }
}

TEST(server_fsm, a_mock_never_matches_even_a_right_proof) {
  auto secret = make_secret("pencil", rfc_salt, 4096);
  ASSERT_TRUE(secret);
  secret->mock = true;
  server_fsm fsm(*secret, {.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"});
  EXPECT_EQ(fsm.start(mechanism_plain, rfc_first).what, action::proceed);
  EXPECT_EQ(fsm.feed(rfc_final).error, errc::bad_proof);
}

TEST(server_fsm, asks_for_the_first_message_if_it_did_not_come) {
  auto fsm = rfc_server();
  auto step = fsm.start(mechanism_plain, std::nullopt);
  ASSERT_EQ(step.what, action::proceed);
  EXPECT_EQ(step.bytes, "");
  EXPECT_EQ(fsm.feed(rfc_first).what, action::proceed);
  EXPECT_EQ(fsm.feed(rfc_final).what, action::success);
}

TEST(server_fsm, refuses_calls_out_of_turn) {
  auto early = rfc_server();
  EXPECT_EQ(early.feed(rfc_first).error, errc::out_of_order);
  EXPECT_EQ(early.start(mechanism_plain, rfc_first).error, errc::out_of_order);
  auto twice = rfc_server();
  EXPECT_EQ(twice.start(mechanism_plain, rfc_first).what, action::proceed);
  EXPECT_EQ(twice.start(mechanism_plain, rfc_first).error, errc::out_of_order);
  EXPECT_EQ(twice.feed(rfc_final).error, errc::out_of_order);
  auto late = rfc_server();
  EXPECT_EQ(late.start(mechanism_plain, rfc_first).what, action::proceed);
  EXPECT_EQ(late.feed(rfc_final).what, action::success);
  EXPECT_EQ(late.feed(rfc_final).error, errc::out_of_order);
  EXPECT_EQ(late.keys(), nullptr);
}

TEST(server_fsm, draws_a_nonce_of_its_own_each_time) {
  std::string seen;
  for (int i = 0; i < 2; ++i) {
    server_fsm fsm(*mock_secret("p", "u"));
    const auto step = fsm.start(mechanism_plain, "n,,n=,r=abc");
    const std::string nonce(step.bytes.substr(0, step.bytes.find(',')));
    EXPECT_EQ(nonce.size(), 2U + 3 + 24);
    EXPECT_NE(nonce, seen);
    seen = nonce;
  }
}

}  // namespace
}  // namespace fairing::codec::scram
