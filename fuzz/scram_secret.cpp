// What is accepted is written back byte for byte; md5 and SASLprep take any bytes.
#include "codec/scram/keys.hpp"
#include "codec/scram/md5.hpp"
#include "codec/scram/saslprep.hpp"
#include "crypto/crypto.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::scram;
using fairing::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fairing::fuzz::text_of(data, size);
  const auto secret = parse_secret(text);
  if (secret) {
    require(secret->to_text() == text, "one text a secret");
    require(secret->iterations >= 1 && secret->iterations <= max_iterations, "bounded iterations");
    require(!secret->salt.empty() && secret->salt.size() <= max_salt_bytes, "bounded salt");
  }
  require((kind_of(text) == secret_kind::scram) == secret.has_value(), "the kind says the same");
  require(!md5_verify("md52aea419619857e8a27f0f7aa641db0c6", "salt", text) || size == 35, "md5");
  if (const auto bytes = fairing::crypto::base64_decode(text, 512))
    require(fairing::crypto::base64_encode(*bytes) == text, "base64 is canonical");

  if (size > 512) return 0;
  const auto prepared = saslprep(text);
  require(prepared.size() <= 18 * size, "bounded");
  require(prepared.empty() == text.empty(), "never becomes empty");
  return 0;
}
