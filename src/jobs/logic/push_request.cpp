#include "jobs/logic/push_request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "base/timestamp.hpp"
#include "codec/http1/writer.hpp"
#include "jobs/logic/sqs_rules.hpp"

namespace fairing::jobs {

namespace {

namespace http1 = codec::http1;
constexpr std::size_t most_attribute_bytes = 8 * 1024;
constexpr std::string_view own_prefixes[] = {"webhook-", "fairing-", "content-", "proxy-"};

// A field of the job goes along where it cannot be taken for one of this exchange.
bool goes_along(std::string_view name) {
  if (name.empty() || !std::ranges::all_of(name, is_token_char)) return false;
  const auto id = http1::field_from_name(name);
  if (id == http1::field::tracestate) return true;
  return id == http1::field::other && std::ranges::none_of(own_prefixes, [&](std::string_view p) {
           return name.size() >= p.size() && iequals(name.substr(0, p.size()), p);
         });
}

// `sqs-attribute:NAME` is no name of a field, and its value has its type before it. Servers bound a head: what is over
// `room` stays behind.
void append_attribute(std::string& out, std::string_view name, std::string_view value,
                      std::size_t& room) {
  const auto own = name.substr(field_attribute.size());
  const auto text = value.substr(value.find(':') + 1);
  if (own.empty() || !std::ranges::all_of(own, is_token_char)) return;
  if (own.size() + text.size() > room) return;
  room -= own.size() + text.size();
  http1::append_header(out, "fairing-attribute-" + std::string(own), text);
}

}  // namespace

std::string traceparent_of(const job& j) {
  for (const auto& [name, value] : j.fields)
    if (iequals(name, "traceparent")) return value;
  const auto id = id_text(j.id);
  const auto trace =
      j.trace.size() == 32 ? j.trace : fmt::format("{:016x}{:016x}", hash64(id, 1), hash64(id, 2));
  return fmt::format("00-{}-{:016x}-01", trace, hash64(id, 3 + j.attempt) | 1);
}

std::string push_head(const leased_job& j, const push_frame& f) {
  const auto& work = j.work;
  const auto id = id_text(work.id);
  const auto seconds_now = f.wall_ms / 1000;
  std::string out = "POST " + f.url.target + " HTTP/1.1\r\n";
  http1::append_header(out, "Host", f.url.host_field);
  http1::append_header(out, "User-Agent", "fairing");
  if (!work.content_type.empty()) http1::append_header(out, "Content-Type", work.content_type);
  http1::append_header(out, "Content-Length", std::to_string(work.payload.size()));
  http1::append_header(out, "webhook-id", id);
  http1::append_header(out, "webhook-timestamp", std::to_string(seconds_now));
  if (const auto s = f.keys.sign(id, seconds_now, work.payload); !s.empty())
    http1::append_header(out, "webhook-signature", s);
  http1::append_header(out, "traceparent", traceparent_of(work));
  http1::append_header(out, "fairing-queue", f.queue);
  http1::append_header(out, "fairing-attempt", std::to_string(work.attempt));
  std::string deadline;
  append_rfc3339(deadline, f.deadline_ms);
  http1::append_header(out, "fairing-deadline", deadline);
  http1::append_header(out, "fairing-lease", token_text(j.token));
  if (j.run == verify_run::second) http1::append_header(out, "fairing-verify", "true");
  std::size_t room = most_attribute_bytes;
  for (const auto& [name, value] : work.fields)
    if (name.starts_with(field_attribute))
      append_attribute(out, name, value, room);
    else if (goes_along(name))
      http1::append_header(out, name, value);
  out += "\r\n";
  return out;
}

}  // namespace fairing::jobs
