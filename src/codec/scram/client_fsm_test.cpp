#include "codec/scram/client_fsm.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/scram/server_fsm.hpp"

namespace fairing::codec::scram {
namespace {

using namespace std::string_literals;
using action = client_step::action;

// libpq against PostgreSQL 15 with the password "secret".
const auto offer = "SCRAM-SHA-256\0\0"s;
const auto offer_both = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s;
const auto nonce = "A1QEu92CIpDdivDh7wUZqKTu"s;
const auto both_nonces = nonce + "MmgQfA0h8MNpi5mSV2pnMBNj";
const auto salt_text = "RmlL7xg5HHr/WGeJZc03yA=="s;
const auto challenge = "r=" + both_nonces + ",s=" + salt_text + ",i=4096";
const auto verifier = "v=F1UVci/hIUw4y2TwH27kjf9T4gI/HZB64z2gfL4dwfE="s;

const login_keys& alice() {
  static const auto keys = *derive_keys("secret", *crypto::base64_decode(salt_text, 16), 4096);
  return keys;
}

client_fsm client(const login_keys* known = &alice()) {
  return client_fsm({.nonce = nonce}, known);
}

errc on_challenge(const std::string& text) {
  auto fsm = client();
  EXPECT_EQ(fsm.start(offer).what, action::send);
  const auto step = fsm.on_continue(text);
  EXPECT_EQ(step.what == action::failure, step.error != errc::ok);
  if (step.what == action::failure) {
    EXPECT_EQ(fsm.on_final(verifier).error, errc::out_of_order);
  }
  return step.error;
}

errc on_verifier(const std::string& text) {
  auto fsm = client();
  EXPECT_EQ(fsm.start(offer).what, action::send);
  EXPECT_EQ(fsm.on_continue(challenge).what, action::send);
  const auto step = fsm.on_final(text);
  EXPECT_EQ(step.what == action::success, fsm.proved());
  return step.error;
}

TEST(client_fsm, says_what_libpq_said_to_postgresql) {
  auto fsm = client(nullptr);
  auto step = fsm.start(offer);
  ASSERT_EQ(step.what, action::send);
  EXPECT_EQ(step.bytes, "n,,n=,r=" + nonce);
  EXPECT_EQ(fsm.mechanism(), "SCRAM-SHA-256");
  step = fsm.on_continue(challenge);
  ASSERT_EQ(step.what, action::derive);
  EXPECT_EQ(fsm.iterations(), 4096U);
  const auto keys = derive_keys("secret", fsm.salt(), fsm.iterations());
  ASSERT_TRUE(keys);
  step = fsm.resume(*keys);
  ASSERT_EQ(step.what, action::send);
  EXPECT_EQ(step.bytes,
            "c=biws,r=" + both_nonces + ",p=Ecbn0ijNCIEVKAd+qxHLaYEHadd0NzaJzEzaUEXSvMk=");
  EXPECT_FALSE(fsm.proved());
  step = fsm.on_final(verifier);
  EXPECT_EQ(step.what, action::success);
  EXPECT_TRUE(fsm.proved());
}

TEST(client_fsm, known_keys_save_the_derivation) {
  auto fsm = client();
  EXPECT_EQ(fsm.start(offer).what, action::send);
  EXPECT_EQ(fsm.on_continue(challenge).what, action::send);
  EXPECT_EQ(fsm.on_final(verifier).what, action::success);
}

TEST(client_fsm, keys_of_another_salt_are_not_used) {
  const auto others = derive_keys("secret", "another salt", 4096);
  ASSERT_TRUE(others);
  auto fsm = client(&*others);
  EXPECT_EQ(fsm.start(offer).what, action::send);
  EXPECT_EQ(fsm.on_continue(challenge).what, action::derive);
  EXPECT_EQ(fsm.resume(*others).error, errc::secret_mismatch);

  client_fsm without_password({.can_derive = false, .nonce = nonce}, &*others);
  EXPECT_EQ(without_password.start(offer).what, action::send);
  EXPECT_EQ(without_password.on_continue(challenge).error, errc::secret_mismatch);
}

TEST(client_fsm, refuses_bad_challenges) {
  const auto tail = ",s=" + salt_text + ",i=4096";
  EXPECT_EQ(on_challenge(challenge), errc::ok);
  for (const auto& text : {""s, "r"s, "r=" + both_nonces, "r=" + both_nonces + ",s=" + salt_text,
                           tail.substr(1), "s=" + salt_text + ",r=" + both_nonces + ",i=4096",
                           "r=" + both_nonces + ",i=4096", challenge + ",x=1", challenge + ",",
                           "r=" + both_nonces + ",i=4096,s=" + salt_text, "e=other-error"s})
    EXPECT_EQ(on_challenge(text), errc::malformed_message) << text;
  EXPECT_EQ(on_challenge("m=x," + challenge), errc::mandatory_extension);
  EXPECT_EQ(on_challenge(challenge + "\0"s), errc::embedded_nul);
  EXPECT_EQ(on_challenge("r=" + nonce + tail), errc::nonce_mismatch) << "nothing of the server's";
  EXPECT_EQ(on_challenge("r=x" + both_nonces + tail), errc::nonce_mismatch);
  EXPECT_EQ(on_challenge("r=" + nonce.substr(1) + "xyz" + tail), errc::nonce_mismatch);
  EXPECT_EQ(on_challenge("r=" + tail), errc::bad_nonce);
  EXPECT_EQ(on_challenge("r=" + both_nonces + "\n" + tail), errc::bad_nonce);
  EXPECT_EQ(on_challenge("r=" + nonce + std::string(1100, 'x') + tail), errc::bad_nonce);
  EXPECT_EQ(on_challenge("r=" + nonce + std::string(1 << 20, 'x') + tail), errc::message_too_long);
  EXPECT_EQ(on_challenge("r=" + both_nonces + ",s=,i=4096"), errc::bad_salt);
  EXPECT_EQ(on_challenge("r=" + both_nonces + ",s=?,i=4096"), errc::bad_base64);
  EXPECT_EQ(on_challenge("r=" + both_nonces + ",s=" + std::string(1024, 'A') + ",i=4096"),
            errc::bad_base64);
  for (const auto* count :
       {"", "0", "-1", "+1", "1x", "10000001", "4294967297", "18446744073709551617"})
    EXPECT_EQ(on_challenge("r=" + both_nonces + ",s=" + salt_text + ",i=" + count),
              errc::bad_iterations)
        << count;
}

TEST(client_fsm, the_limit_of_iterations_can_be_lower) {
  client_fsm fsm({.iterations_limit = 4095, .nonce = nonce});
  EXPECT_EQ(fsm.start(offer).what, action::send);
  EXPECT_EQ(fsm.on_continue(challenge).error, errc::bad_iterations);
}

TEST(client_fsm, believes_only_a_server_that_proves_itself) {
  EXPECT_EQ(on_verifier(verifier), errc::ok);
  EXPECT_EQ(on_verifier("v=G1UVci/hIUw4y2TwH27kjf9T4gI/HZB64z2gfL4dwfE="),
            errc::bad_server_signature);
  EXPECT_EQ(on_verifier("e=invalid-proof"), errc::server_refused);
  for (const auto* text : {"v=", "v=AAAA", "v=!!!!"})
    EXPECT_EQ(on_verifier(text), errc::bad_base64) << text;
  for (const auto& text : {""s, "v"s, "x=1"s, verifier + ",x=1", verifier + ",", "," + verifier})
    EXPECT_EQ(on_verifier(text), errc::malformed_message) << text;
  EXPECT_EQ(on_verifier(verifier + "\0"s), errc::embedded_nul);
  EXPECT_EQ(on_verifier(std::string(1 << 20, 'v')), errc::message_too_long);
}

TEST(client_fsm, chooses_by_what_is_offered) {
  const auto chosen = [](const std::string& list, const std::string& binding, bool require) {
    client_fsm fsm({.channel_binding = binding, .require_channel_binding = require, .nonce = "n"});
    const auto step = fsm.start(list);
    if (step.what == action::failure) return make_error_code(step.error).message();
    return std::string(fsm.mechanism()) + " " + std::string(step.bytes);
  };
  const auto text = [](errc e) { return make_error_code(e).message(); };
  EXPECT_EQ(chosen(offer_both, "", false), "SCRAM-SHA-256 n,,n=,r=n");
  EXPECT_EQ(chosen(offer, "hash", false), "SCRAM-SHA-256 y,,n=,r=n");
  EXPECT_EQ(chosen(offer_both, "hash", false), "SCRAM-SHA-256-PLUS p=tls-server-end-point,,n=,r=n");
  EXPECT_EQ(chosen(offer_both, "hash", true), "SCRAM-SHA-256-PLUS p=tls-server-end-point,,n=,r=n");
  EXPECT_EQ(chosen(offer, "hash", true), text(errc::channel_binding_missing));
  EXPECT_EQ(chosen(offer_both, "", true), text(errc::channel_binding_missing));
  EXPECT_EQ(chosen("SCRAM-SHA-1\0GSSAPI\0\0"s, "", false), text(errc::unsupported_mechanism));
  EXPECT_EQ(chosen("", "", false), text(errc::unsupported_mechanism));
  EXPECT_EQ(chosen("SCRAM-SHA-256", "", false), text(errc::malformed_message));
  EXPECT_EQ(chosen("SCRAM-SHA-256\0\0x"s, "", false), text(errc::malformed_message));
  EXPECT_EQ(chosen(std::string(1 << 20, 'x'), "", false), text(errc::message_too_long));
}

TEST(client_fsm, refuses_calls_out_of_turn) {
  auto fresh = client();
  EXPECT_EQ(fresh.on_continue(challenge).error, errc::out_of_order);
  EXPECT_EQ(fresh.start(offer).error, errc::out_of_order);
  auto skipped = client();
  EXPECT_EQ(skipped.start(offer).what, action::send);
  EXPECT_EQ(skipped.on_final(verifier).error, errc::out_of_order);
  EXPECT_FALSE(skipped.proved());
  auto unasked = client();
  EXPECT_EQ(unasked.start(offer).what, action::send);
  EXPECT_EQ(unasked.resume(alice()).error, errc::out_of_order);
}

// Both machines, with and without channel binding; the key that the server side recovers opens the
// next server without the password.
TEST(client_fsm, agrees_with_the_server_machine) {
  const auto keys = derive_keys("p\u00e4ss", {}, 3);
  ASSERT_TRUE(keys);
  const auto secret = secret_of(*keys);
  ASSERT_TRUE(secret);
  for (const auto* binding : {"", "a hash"}) {
    login_keys known = *keys;
    for (int hop = 0; hop < 2; ++hop) {
      client_fsm client({.channel_binding = binding, .can_derive = false}, &known);
      server_fsm server(*secret, {.channel_binding = binding});
      const auto first = client.start(mechanisms(binding));
      ASSERT_EQ(first.what, action::send);
      const auto asked = server.start(client.mechanism(), first.bytes);
      ASSERT_EQ(asked.what, server_step::action::proceed);
      const auto proof = client.on_continue(asked.bytes);
      ASSERT_EQ(proof.what, action::send);
      const auto accepted = server.feed(proof.bytes);
      ASSERT_EQ(accepted.what, server_step::action::success);
      EXPECT_EQ(client.on_final(accepted.bytes).what, action::success);
      known = *server.keys();
    }
  }
}

}  // namespace
}  // namespace fairing::codec::scram
