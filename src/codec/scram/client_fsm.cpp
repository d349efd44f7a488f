#include "codec/scram/client_fsm.hpp"

#include <fmt/format.h>

namespace fairing::codec::scram {

client_step client_fsm::fail_with(errc e) noexcept {
  state_ = state::failed;
  return {.what = client_step::action::failure, .bytes = {}, .error = e};
}

// Sets plus_ and gs2_header_ by what the server offers.
errc client_fsm::choose(std::string_view list) {
  if (list.size() > max_message_bytes) return errc::message_too_long;
  bool offers_plain = false;
  bool offers_plus = false;
  while (!list.empty()) {
    const auto end = list.find('\0');
    if (end == std::string_view::npos) return errc::malformed_message;
    const auto name = list.substr(0, end);
    list.remove_prefix(end + 1);
    if (name.empty()) break;
    offers_plain |= name == mechanism_plain;
    offers_plus |= name == mechanism_plus;
  }
  if (!list.empty()) return errc::malformed_message;
  const bool can_bind = !options_.channel_binding.empty();
  plus_ = offers_plus && can_bind;
  if (!plus_ && options_.require_channel_binding) return errc::channel_binding_missing;
  if (!plus_ && !offers_plain) return errc::unsupported_mechanism;
  if (plus_)
    gs2_header_ = fmt::format("p={},,", binding_type);
  else
    gs2_header_ = can_bind ? "y,," : "n,,";
  return errc::ok;
}

client_step client_fsm::start(std::string_view list) {
  if (state_ != state::fresh) return fail_with(errc::out_of_order);
  if (const auto e = choose(list); e != errc::ok) return fail_with(e);
  nonce_ = options_.nonce;
  if (nonce_.empty()) {
    const auto drawn = crypto::random_bytes(nonce_random_bytes);
    if (!drawn) return fail_with(errc::crypto_failure);
    nonce_ = crypto::base64_encode(*drawn);
  }
  // Empty user name, as libpq: the start-up message has said it, PostgreSQL ignores this one.
  bare_ = "n=,r=" + nonce_;
  out_ = gs2_header_ + bare_;
  state_ = state::first_sent;
  return {.what = client_step::action::send, .bytes = out_, .error = errc::ok};
}

client_step client_fsm::on_continue(std::string_view text) {
  if (state_ != state::first_sent) return fail_with(errc::out_of_order);
  server_first message;
  if (const auto e = parse(text, message); e != errc::ok) return fail_with(e);
  if (message.iterations > options_.iterations_limit) return fail_with(errc::bad_iterations);
  // The server must add to our nonce: one that repeats it lets an old exchange be replayed.
  if (!message.nonce.starts_with(nonce_) || message.nonce.size() == nonce_.size())
    return fail_with(errc::nonce_mismatch);
  auto salt = crypto::base64_decode(message.salt, max_salt_bytes);
  if (!salt) return fail_with(errc::bad_base64);
  if (salt->empty()) return fail_with(errc::bad_salt);
  nonce_ = message.nonce;
  salt_ = std::move(*salt);
  iterations_ = message.iterations;
  server_first_ = text;
  if (keys_.fits(salt_, iterations_)) return send_final();
  if (!options_.can_derive) return fail_with(errc::secret_mismatch);
  state_ = state::keys_missing;
  return {.what = client_step::action::derive, .bytes = {}, .error = errc::ok};
}

client_step client_fsm::resume(const login_keys& keys) {
  if (state_ != state::keys_missing) return fail_with(errc::out_of_order);
  if (!keys.fits(salt_, iterations_)) return fail_with(errc::secret_mismatch);
  keys_ = keys;
  return send_final();
}

client_step client_fsm::send_final() {
  std::string bound = gs2_header_;
  if (plus_) bound += options_.channel_binding;
  out_ = fmt::format("c={},r={}", crypto::base64_encode(bound), nonce_);
  transcript_ = fmt::format("{},{},{}", bare_, server_first_, out_);

  key stored;
  key signature;
  key proof = keys_.client_key;
  if (!crypto::sha256(keys_.client_key.view(), stored) ||
      !crypto::hmac_sha256(stored.view(), transcript_, signature))
    return fail_with(errc::crypto_failure);
  crypto::xor_into(proof, signature);
  out_ += ",p=" + crypto::base64_encode(proof.view());
  state_ = state::final_sent;
  return {.what = client_step::action::send, .bytes = out_, .error = errc::ok};
}

client_step client_fsm::on_final(std::string_view text) {
  if (state_ != state::final_sent) return fail_with(errc::out_of_order);
  server_final message;
  if (const auto e = parse(text, message); e != errc::ok) return fail_with(e);
  const auto verifier = crypto::base64_decode(message.verifier, key_bytes);
  if (!verifier || verifier->size() != key_bytes) return fail_with(errc::bad_base64);
  key signature;
  if (!crypto::hmac_sha256(keys_.server_key.view(), transcript_, signature))
    return fail_with(errc::crypto_failure);
  if (!crypto::constant_time_equal(signature.view(), *verifier))
    return fail_with(errc::bad_server_signature);
  state_ = state::succeeded;
  return {.what = client_step::action::success, .bytes = {}, .error = errc::ok};
}

}  // namespace fairing::codec::scram
