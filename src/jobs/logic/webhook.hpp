// webhook: signatures of pushes as Standard Webhooks has them, so that any worker checks them with a library it can get.
//
// Problem: a worker's URL is open to whoever finds it; it must be able to tell that a job comes from here, is whole, and
// is not a recording from yesterday.
//
// Flow:
//   auto keys = webhook_keys::parse("whsec_BASE64 whsec_OLDER");        // several while they rotate, the first is the newest
//   head += "webhook-signature: " + keys->sign(id, unix_seconds, body); // "v1,BASE64 v1,BASE64"
// Lifecycle: keys are wiped when they go. Pure; any thread. Cost: one HMAC-SHA256 over the body for each key.
// Source: Standard Webhooks specification 1.0.0, "Signature scheme" and "Secret".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "crypto/crypto.hpp"

namespace fairing::jobs {

class webhook_keys {
 public:
  static constexpr std::size_t most_keys = 4;

  // "" are no keys. errc::bad_request says what is wrong, without the secret.
  [[nodiscard]] static result<webhook_keys> parse(std::string_view text);
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  // Of "ID.SECONDS.BODY"; "" where libcrypto refuses, or without keys.
  [[nodiscard]] std::string sign(std::string_view id, std::int64_t unix_seconds,
                                 std::string_view body) const;

 private:
  std::vector<crypto::wiped_string> keys_;
};

}  // namespace fairing::jobs
