// The server's side: any bytes end in a bounded number of steps, only a right proof succeeds, and a mock
// secret answers every input as a real one with a wrong password.
#include "codec/scram/server_fsm.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::scram;
using fairing::fuzz::require;
using action = server_step::action;

namespace {

const scram_secret& real() {
  static const auto secret = *make_secret("pencil", "0123456789abcdef", 1);
  return secret;
}

// The real secret's salt and iterations with keys that nobody has.
const scram_secret& mock() {
  static const scram_secret secret{.salt = real().salt, .iterations = 1, .mock = true};
  return secret;
}

}  // namespace

// First byte: bit 0 the -PLUS mechanism, bit 1 channel binding offered, bit 2 no initial response. Then the
// messages, a line each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto text = fairing::fuzz::text_of(data + 1, size - 1);
  const auto next = [&text] {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
  };
  const server_fsm::options options{.channel_binding = (data[0] & 2) != 0 ? "a hash" : "",
                                    .nonce = "servernonce"};
  server_fsm fsm(real(), options);
  server_fsm nobody(mock(), options);
  const auto mechanism = (data[0] & 1) != 0 ? mechanism_plus : mechanism_plain;
  const auto initial = (data[0] & 4) != 0 ? std::nullopt : std::optional(next());
  auto step = fsm.start(mechanism, initial);
  auto other = nobody.start(mechanism, initial);
  int steps = 0;
  while (step.what == action::proceed) {
    require(++steps <= 2, "at most two challenges");
    require(other.what == action::proceed && other.bytes == step.bytes, "the mock asks the same");
    require(step.bytes.size() <= max_message_bytes, "bounded answer");
    const auto line = next();
    step = fsm.feed(line);
    other = nobody.feed(line);
  }
  require((step.what == action::success) == (fsm.keys() != nullptr), "keys after success only");
  require(other.what == action::failure && nobody.keys() == nullptr, "a mock never matches");
  if (step.what == action::failure) {
    require(step.error != errc::ok && step.error == other.error, "the same reason for both");
  } else {
    key hashed;
    require(sha256(fsm.keys()->client_key.view(), hashed), "hash");
    require(hashed.view() == real().stored_key.view(), "only the client's key succeeds");
  }
  return 0;
}
