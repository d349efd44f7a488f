// Where the signature is, what it covers, whether it is right.
#include "codec/sqs/sigv4.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/ascii.hpp"
#include "codec/sqs/canonical.hpp"
#include "codec/sqs/digest.hpp"
#include "codec/sqs/text.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t max_part_bytes = 64 * 1024;
constexpr std::size_t max_signed_headers = 64;
constexpr std::int64_t max_expires_s = 604'800;  // a week, as AWS

// A signature as the client sent it.
struct claim {
  std::string credential;  // KEY/DATE/REGION/SERVICE/aws4_request
  std::string signed_headers;
  std::string signature;
  std::string date;                       // 20150830T123600Z
  std::optional<std::int64_t> expires_s;  // presigned
};
struct scope {
  std::string_view key_id;
  std::string_view day;
  std::string_view region;
  std::string_view service;
  std::string_view text;  // day/region/service/aws4_request
};

// 20150830T123600Z -> seconds since 1970.
std::optional<std::int64_t> seconds_of(std::string_view date) {
  if (date.size() != 16 || date[8] != 'T' || date[15] != 'Z') return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) {
    return parse_digits(date.substr(at, size));
  };
  const auto year = part(0, 4), month = part(4, 2), day = part(6, 2);
  const auto hour = part(9, 2), minute = part(11, 2), second = part(13, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year(static_cast<int>(*year)),
                                        std::chrono::month(static_cast<unsigned>(*month)),
                                        std::chrono::day(static_cast<unsigned>(*day))};
  if (!ymd.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(ymd).time_since_epoch().count();
  return std::int64_t{days} * 86'400 +
         static_cast<std::int64_t>(*hour * 3600 + *minute * 60 + *second);
}

// From `Authorization: AWS4-HMAC-SHA256 Credential=.., SignedHeaders=.., Signature=..`.
result<claim> claim_of_header(const signed_request& r, std::string_view authorization) {
  claim c;
  if (!authorization.starts_with(algorithm) || authorization.size() > max_part_bytes ||
      authorization.substr(algorithm.size()).find_first_of(" \t") != 0)
    return fail(errc::incomplete_signature,
                "The Authorization header must begin with AWS4-HMAC-SHA256: no other signature is "
                "understood.");
  bool twice = false;
  for_each_list_element(authorization.substr(algorithm.size()), [&](std::string_view part) {
    const auto equals = part.find('=');
    const auto name = trim_ows(part.substr(0, equals));
    if (equals == std::string_view::npos) return;
    const auto value = part.substr(equals + 1);
    for (auto [word, to] :
         {std::pair("Credential", &c.credential), std::pair("SignedHeaders", &c.signed_headers),
          std::pair("Signature", &c.signature)})
      if (name == word) {
        twice = twice || !to->empty();
        *to = std::string(value);
      }
  });
  if (twice || c.credential.empty() || c.signed_headers.empty() || c.signature.empty())
    return fail(
        errc::incomplete_signature,
        "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature', once each.");
  const auto date = canonical_header(r, "x-amz-date");
  if (!date)
    return fail(errc::incomplete_signature,
                "Authorization header requires existence of a 'X-Amz-Date' header.");
  c.date = *date;
  return c;
}

using parameters = std::vector<std::pair<std::string, std::string>>;

// nullptr: none, or more than one.
const std::string* only(const parameters& all, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [key, value] : all)
    if (key == name) {
      if (found != nullptr) return nullptr;
      found = &value;
    }
  return found;
}

result<claim> claim_of_query(const parameters& all) {
  const auto* kind = only(all, "X-Amz-Algorithm");
  const auto* credential = only(all, "X-Amz-Credential");
  const auto* date = only(all, "X-Amz-Date");
  const auto* expires = only(all, "X-Amz-Expires");
  const auto* names = only(all, "X-Amz-SignedHeaders");
  const auto* signature = only(all, "X-Amz-Signature");
  if (kind == nullptr || *kind != algorithm || credential == nullptr || date == nullptr ||
      expires == nullptr || names == nullptr || signature == nullptr)
    return fail(
        errc::incomplete_signature,
        "A presigned request needs X-Amz-Algorithm=AWS4-HMAC-SHA256, X-Amz-Credential, X-Amz-Date, "
        "X-Amz-Expires, X-Amz-SignedHeaders and X-Amz-Signature, once each.");
  const auto seconds = parse_digits(*expires);
  if (!seconds || *seconds == 0 || *seconds > static_cast<std::uint64_t>(max_expires_s))
    return fail(errc::incomplete_signature, "X-Amz-Expires must be 1 to 604800 seconds.");
  return claim{.credential = *credential,
               .signed_headers = *names,
               .signature = *signature,
               .date = *date,
               .expires_s = static_cast<std::int64_t>(*seconds)};
}

// The last four parts are the scope: an id may hold slashes.
std::optional<scope> scope_of(std::string_view credential) {
  std::string_view parts[4];
  auto rest = credential;
  for (std::size_t i = 4; i-- > 0;) {
    const auto slash = rest.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    parts[i] = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  if (rest.empty() || parts[3] != "aws4_request") return std::nullopt;
  return scope{rest, parts[0], parts[1], parts[2], credential.substr(rest.size() + 1)};
}

// Sorted, lower case, each once, host and every x-amz-* header of the request among them.
std::optional<std::string> fault_of_names(const signed_request& r, std::string_view list,
                                          bool presigned) {
  std::vector<std::string_view> names;
  for (auto rest = list;;) {
    const auto end = rest.find(';');
    const auto name = rest.substr(0, end);
    const bool fits =
        !name.empty() && std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!fits || names.size() == max_signed_headers || (!names.empty() && name <= names.back()))
      return "SignedHeaders must be at most 64 names in lower case, ascending.";
    names.push_back(name);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::any_of(names, [&](std::string_view n) { return iequals(n, name); });
  };
  if (!is_signed("host")) return "'Host' must be a 'SignedHeader' in the AWS Authorization.";
  for (const auto& [name, value] : r.headers)
    if (iequals(name.substr(0, 6), "x-amz-") && !is_signed(name) &&
        !(presigned && iequals(name, "x-amz-content-sha256")))
      return "There were headers present in the request which were not signed: " +
             clean_text(name.substr(0, 80)) + ".";
  return std::nullopt;
}

result<void> check_time(const claim& c, std::string_view day, std::int64_t now_s) {
  const auto signed_s = seconds_of(c.date);
  if (!signed_s)
    return fail(errc::incomplete_signature,
                "X-Amz-Date must be in the form 20150830T123600Z, in UTC.");
  if (day != std::string_view(c.date).substr(0, 8))
    return fail(errc::incomplete_signature,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.");
  const auto age = now_s - *signed_s;
  if (-age > max_clock_skew_s)
    return fail(errc::request_expired, "Signature not yet current: " + c.date +
                                           " is more than 15 minutes ahead of the server's clock.");
  if (age > c.expires_s.value_or(max_clock_skew_s))
    return fail(errc::request_expired,
                "Signature expired: " + c.date +
                    (c.expires_s ? " and X-Amz-Expires are over."
                                 : " is more than 15 minutes behind the server's clock."));
  return {};
}

// False: libcrypto refused.
bool sign(const access_key& k, const scope& s, std::string_view text, std::string& hex) {
  const crypto::wiped_string first("AWS4" + k.secret);
  crypto::key a;
  crypto::key b;
  if (!crypto::hmac_sha256(first.view(), s.day, a) || !crypto::hmac_sha256(a.view(), s.region, b) ||
      !crypto::hmac_sha256(b.view(), s.service, a) ||
      !crypto::hmac_sha256(a.view(), "aws4_request", b) || !crypto::hmac_sha256(b.view(), text, a))
    return false;
  append_hex(hex, a.view());
  return true;
}

// The hash of the body that is there; what the client says of it has to be the same.
result<std::string> payload_hash(const signed_request& r) {
  auto hash = sha256_hex(r.body);
  const auto said = canonical_header(r, "x-amz-content-sha256");
  if (said && !iequals(*said, hash))
    return fail(errc::signature_does_not_match,
                "The header x-amz-content-sha256 is not the SHA-256 of the body; unsigned payloads "
                "are not accepted.");
  return hash;
}

}  // namespace

verifier::verifier(std::vector<access_key> keys, std::string service)
    : keys_(std::move(keys)), service_(std::move(service)) {}

result<std::string> verifier::verify(const signed_request& r, std::int64_t unix_s) const {
  if (r.path.size() > max_part_bytes || r.query.size() > max_part_bytes)
    return fail(errc::malformed_request, "Path or query is longer than 64 KiB.");
  const auto all = query_parameters(r.query);
  if (!all) return fail(errc::malformed_request, "The query string cannot be decoded.");
  const auto authorization = canonical_header(r, "authorization");
  const bool presigned =
      std::ranges::any_of(*all, [](const auto& p) { return p.first == "X-Amz-Signature"; });
  if (!authorization && !presigned)
    return fail(errc::missing_authentication,
                "Request is missing Authentication Token: sign it with an access key (AWS "
                "Signature Version 4).");
  if (authorization && presigned)
    return fail(errc::incomplete_signature, "Only one signature is allowed: header or query.");

  const auto c = presigned ? claim_of_query(*all) : claim_of_header(r, *authorization);
  if (!c) return std::unexpected(c.error());
  const auto s = scope_of(c->credential);
  if (!s || s->service != service_)
    return fail(errc::incomplete_signature,
                "Credential must be KEY/YYYYMMDD/REGION/" + service_ + "/aws4_request.");
  if (auto wrong = fault_of_names(r, c->signed_headers, presigned))
    return fail(errc::incomplete_signature, *wrong);
  const auto key = std::ranges::find(keys_, s->key_id, &access_key::id);
  if (key == keys_.end())
    return fail(errc::invalid_access_key, "The security token included in the request is invalid.");
  if (auto fresh = check_time(*c, s->day, unix_s); !fresh) return std::unexpected(fresh.error());

  const auto hash = payload_hash(r);
  if (!hash) return std::unexpected(hash.error());
  const auto text = canonical_request(r, canonical_path(r.path),
                                      canonical_query(*all, presigned ? "X-Amz-Signature" : ""),
                                      c->signed_headers, *hash);
  if (!text)
    return fail(errc::incomplete_signature,
                "A header that SignedHeaders names is not in the request.");
  std::string expected;
  if (!sign(*key, *s, string_to_sign(c->date, s->text, *text), expected))
    return fail(errc::internal_failure, "The signature could not be computed.");
  if (!crypto::constant_time_equal(expected, c->signature))
    return fail(errc::signature_does_not_match,
                "The request signature we calculated does not match the signature you provided. "
                "Check the secret access key and the signing method.");
  return key->id;
}

}  // namespace fairing::codec::sqs
