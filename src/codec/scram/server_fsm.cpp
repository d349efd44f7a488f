#include "codec/scram/server_fsm.hpp"

#include <fmt/format.h>

namespace fairing::codec::scram {

std::string_view mechanisms(std::string_view channel_binding) noexcept {
  using namespace std::string_view_literals;
  return channel_binding.empty() ? "SCRAM-SHA-256\0\0"sv
                                 : "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"sv;
}

server_step server_fsm::fail_with(errc e) noexcept {
  state_ = state::failed;
  return {.what = server_step::action::failure, .bytes = {}, .error = e};
}

server_step server_fsm::start(std::string_view mechanism, std::optional<std::string_view> initial) {
  if (state_ != state::fresh) return fail_with(errc::out_of_order);
  plus_ = mechanism == mechanism_plus && !options_.channel_binding.empty();
  if (!plus_ && mechanism != mechanism_plain) return fail_with(errc::unsupported_mechanism);
  state_ = state::first;
  if (initial) return on_first(*initial);
  return {.what = server_step::action::proceed, .bytes = {}, .error = errc::ok};
}

server_step server_fsm::feed(std::string_view response) {
  switch (state_) {
    case state::first:
      return on_first(response);
    case state::final:
      return on_final(response);
    default:
      return fail_with(errc::out_of_order);
  }
}

errc server_fsm::check_binding(const client_first& message) const noexcept {
  if (message.flag == 'p') {
    return plus_ && message.binding == binding_type ? errc::ok : errc::channel_binding_unexpected;
  }
  if (plus_) return errc::channel_binding_missing;
  // A client that could bind would have chosen -PLUS: somebody took it out of the list.
  if (message.flag == 'y' && !options_.channel_binding.empty())
    return errc::channel_binding_downgrade;
  return errc::ok;
}

server_step server_fsm::on_first(std::string_view text) {
  client_first message;
  if (const auto e = parse(text, message); e != errc::ok) return fail_with(e);
  if (const auto e = check_binding(message); e != errc::ok) return fail_with(e);

  std::string bound(message.gs2_header);
  if (plus_) bound += options_.channel_binding;
  expected_binding_ = crypto::base64_encode(bound);

  nonce_ = message.nonce;
  if (options_.nonce.empty()) {
    const auto drawn = crypto::random_bytes(nonce_random_bytes);
    if (!drawn) return fail_with(errc::crypto_failure);
    nonce_ += crypto::base64_encode(*drawn);
  } else {
    nonce_ += options_.nonce;
  }
  out_ = fmt::format("r={},s={},i={}", nonce_, crypto::base64_encode(secret_.salt),
                     secret_.iterations);
  transcript_ = fmt::format("{},{}", message.bare, out_);
  state_ = state::final;
  return {.what = server_step::action::proceed, .bytes = out_, .error = errc::ok};
}

server_step server_fsm::on_final(std::string_view text) {
  client_final message;
  if (const auto e = parse(text, message); e != errc::ok) return fail_with(e);
  if (message.binding != expected_binding_) return fail_with(errc::channel_binding_mismatch);
  if (!crypto::constant_time_equal(message.nonce, nonce_)) return fail_with(errc::nonce_mismatch);
  transcript_ += ',';
  transcript_ += message.without_proof;

  key client_key;
  if (const auto e = check_proof(message, client_key); e != errc::ok) return fail_with(e);
  key signature;
  if (!crypto::hmac_sha256(secret_.server_key.view(), transcript_, signature))
    return fail_with(errc::crypto_failure);
  keys_ = login_keys{.salt = secret_.salt,
                     .iterations = secret_.iterations,
                     .client_key = client_key,
                     .server_key = secret_.server_key};
  state_ = state::succeeded;
  out_ = "v=" + crypto::base64_encode(signature.view());
  return {.what = server_step::action::success, .bytes = out_, .error = errc::ok};
}

// ClientKey = proof xor HMAC(StoredKey, transcript); it is right if it hashes to StoredKey.
errc server_fsm::check_proof(const client_final& message, key& client_key) {
  const auto proof = crypto::base64_decode(message.proof, key_bytes);
  const auto bytes = proof ? key::from(*proof) : std::nullopt;
  if (!bytes) return errc::bad_base64;
  key signature;
  key hashed;
  client_key = *bytes;
  if (!crypto::hmac_sha256(secret_.stored_key.view(), transcript_, signature))
    return errc::crypto_failure;
  crypto::xor_into(client_key, signature);
  if (!crypto::sha256(client_key.view(), hashed)) return errc::crypto_failure;
  // Both are looked at in any case: an unknown user costs what a known one does.
  const bool right = crypto::constant_time_equal(hashed.view(), secret_.stored_key.view());
  return right && !secret_.mock ? errc::ok : errc::bad_proof;
}

}  // namespace fairing::codec::scram
