#include "jobs/logic/webhook.hpp"

#include "jobs/logic/store.hpp"

namespace fairing::jobs {

namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t least_bytes = 24;  // the specification's bounds
constexpr std::size_t most_bytes = 64;

}  // namespace

result<webhook_keys> webhook_keys::parse(std::string_view text) {
  webhook_keys out;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const auto one = text.substr(0, blank);
    text = blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1);
    if (one.empty()) continue;
    if (out.keys_.size() == most_keys)
      return fail(errc::bad_request, "has at most 4 secrets, the newest first");
    if (!one.starts_with(prefix))
      return fail(errc::bad_request,
                  "is whsec_ and the base64 of 24 to 64 random bytes; "
                  "`echo whsec_$(openssl rand -base64 32)` makes one");
    auto bytes = crypto::base64_decode(one.substr(prefix.size()), most_bytes);
    if (!bytes || bytes->size() < least_bytes)
      return fail(errc::bad_request,
                  "has after whsec_ the base64, padded, of 24 to 64 bytes; "
                  "`echo whsec_$(openssl rand -base64 32)` makes one");
    out.keys_.emplace_back(std::move(*bytes));
  }
  return out;
}

std::string webhook_keys::sign(std::string_view id, std::int64_t unix_seconds,
                               std::string_view body) const {
  if (keys_.empty()) return {};
  std::string signed_text;
  signed_text.reserve(id.size() + body.size() + 24);
  signed_text.append(id).append(1, '.').append(std::to_string(unix_seconds));
  signed_text.append(1, '.').append(body);
  std::string out;
  for (const auto& secret : keys_) {
    crypto::key mac;
    if (!crypto::hmac_sha256(secret.view(), signed_text, mac)) return {};
    out.append(out.empty() ? "v1," : " v1,").append(crypto::base64_encode(mac.view()));
  }
  return out;
}

}  // namespace fairing::jobs
