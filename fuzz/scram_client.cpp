// The client's side: any bytes end in an answer, and no server that lacks the keys is believed.
#include "codec/scram/client_fsm.hpp"
#include "codec/scram/server_fsm.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::scram;
using fairing::fuzz::require;
using action = client_step::action;

// First byte: bit 0 channel binding at hand, bit 1 required, bit 2 keys known. Then, a line each: the list
// of mechanisms with '|' for NUL, the server's first message, its final one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto keys = *derive_keys("pencil", "0123456789abcdef", 1);
  auto text = fairing::fuzz::text_of(data + 1, size - 1);
  const auto next = [&text] {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
  };
  client_fsm fsm({.channel_binding = (data[0] & 1) != 0 ? "a hash" : "",
                  .require_channel_binding = (data[0] & 2) != 0,
                  .can_derive = (data[0] & 4) == 0,
                  .nonce = "clientnonce"},
                 (data[0] & 4) != 0 ? &keys : nullptr);
  std::string list(next());
  for (char& c : list) c = c == '|' ? '\0' : c;
  auto step = fsm.start(list);
  require(step.what == action::send || step.what == action::failure, "sends or fails");
  if (step.what == action::failure) return 0;

  step = fsm.on_continue(next());
  if (step.what == action::derive) {
    require(fsm.iterations() >= 1 && fsm.iterations() <= max_iterations, "bounded iterations");
    require(!fsm.salt().empty() && fsm.salt().size() <= max_salt_bytes, "bounded salt");
    step = fsm.resume(keys);
    require((step.what == action::send) == keys.fits(fsm.salt(), fsm.iterations()),
            "keys that fit");
  }
  if (step.what == action::failure) {
    require(step.error != errc::ok && !fsm.proved(), "a reason");
    return 0;
  }
  require(
      step.bytes.starts_with("c=") && step.bytes.find(",r=clientnonce") != std::string_view::npos,
      "a final message");
  require(step.bytes.size() <= max_message_bytes, "bounded");
  step = fsm.on_final(next());
  require((step.what == action::success) == fsm.proved(), "proved");
  return 0;
}
