#include "http/logic/problem.hpp"

#include <array>

#include "codec/http1/date.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

using enum problem;

constexpr std::array<problem_info, problem_count> table{{
    {bad_request, 400, "Bad Request", "bad-request", "The request is malformed or ambiguous",
     "Send it as RFC 9112 says; the detail names the fault."},
    {uri_too_long, 414, "URI Too Long", "uri-too-long", "The request target is too long",
     "Send the data in a body, or raise limits.target."},
    {head_too_large, 431, "Request Header Fields Too Large", "head-too-large",
     "The request head is too large",
     "Send fewer or shorter fields (cookies are the usual cause), or raise limits.header."},
    {body_too_large, 413, "Content Too Large", "body-too-large", "The request body is too large",
     "Send less at once, or raise limits.body."},
    {request_timeout, 408, "Request Timeout", "request-timeout", "The request came too slowly",
     "Send it again; for slow links raise timeouts.header or timeouts.body."},
    {version_not_supported, 505, "HTTP Version Not Supported", "version-not-supported",
     "The HTTP version is not supported", "Use HTTP/1.1."},
    {not_implemented, 501, "Not Implemented", "not-implemented",
     "The request uses something that Fairing does not handle",
     "Use chunked as the only transfer coding."},
    {method_not_allowed, 405, "Method Not Allowed", "method-not-allowed",
     "The method is not allowed here", "Use one of the methods in Allow."},
    {forbidden, 403, "Forbidden", "forbidden", "This address may not do that",
     "Send it from an address in purge_from, or purge by the admin interface with its token."},
    {expectation_failed, 417, "Expectation Failed", "expectation-failed",
     "The expectation cannot be met", "Expect nothing but 100-continue."},
    {precondition_failed, 412, "Precondition Failed", "precondition-failed",
     "A precondition of the request does not hold",
     "Fetch the current version and try again with its ETag."},
    {range_not_satisfiable, 416, "Range Not Satisfiable", "range-not-satisfiable",
     "None of the ranges is in the content", "Ask for ranges within the length in Content-Range."},
    {rate_limited, 429, "Too Many Requests", "rate-limited", "Too many requests",
     "Wait as Retry-After says; the limit is the route's rate_limit."},
    {only_if_cached, 504, "Gateway Timeout", "only-if-cached", "Nothing usable is stored",
     "Leave out only-if-cached to have it fetched."},
    {overloaded, 503, "Service Unavailable", "overloaded", "No room for new work",
     "Try again as Retry-After says; raise the limit that the detail names."},
    {no_upstream, 503, "Service Unavailable", "no-upstream", "No healthy upstream is left",
     "Look at the upstreams' health in /readyz?verbose and start the backend."},
    {upstream_refused, 502, "Bad Gateway", "upstream-refused", "The upstream cannot be reached",
     "Start the backend, or correct the upstream's address."},
    {upstream_bad_response, 502, "Bad Gateway", "upstream-bad-response",
     "The upstream's answer is malformed",
     "Correct the backend's answer; the detail names the fault."},
    {upstream_closed, 502, "Bad Gateway", "upstream-closed",
     "The upstream closed before its answer was complete",
     "Look in the backend's log for why it ended."},
    {upstream_timeout, 504, "Gateway Timeout", "upstream-timeout",
     "The upstream did not answer in time",
     "Make the route faster or asynchronous, or raise the timeout that the detail names."},
    {loop_detected, 508, "Loop Detected", "loop-detected", "The request has passed here before",
     "Correct the upstream's address: it leads back to Fairing."},
    {no_such_job, 404, "Not Found", "no-such-job", "There is no such request, or it is another's",
     "Ask with the credentials of the request that was put off, within the queue's keep_done."},
    {job_not_finished, 409, "Conflict", "job-not-finished", "The answer is not there yet",
     "Ask the status resource, with Prefer: wait=N if you like; it leads here when it is."},
    {job_finished, 409, "Conflict", "job-finished", "The request has run already",
     "Read its answer."},
    {key_in_flight, 409, "Conflict", "idempotency-key-in-flight",
     "The request of this Idempotency-Key is still running", "Ask for its state at Location."},
    {answer_gone, 410, "Gone", "idempotency-key-answer-gone",
     "The request of this Idempotency-Key has run, and its answer is kept no longer",
     "Take a new key to run it again; raise keep_done or keep_bytes of the queue to keep answers "
     "as long as keys, 24 h."},
    {key_reused, 422, "Unprocessable Content", "idempotency-key-reused",
     "The Idempotency-Key stands for another request", "Take a new key for a new request."},
    {job_failed, 502, "Bad Gateway", "job-failed", "The request got no answer",
     "Look at the job with `fairing jobs show` and at the backend's log around that time."},
    {job_store_down, 503, "Service Unavailable", "job-store-down",
     "Nothing can be put off at the moment",
     "Try again in a second; nothing that was answered before is lost."},
    {job_store_full, 507, "Insufficient Storage", "job-store-full",
     "There is no room to put the request off",
     "Let the queue drain, free disk space or raise the limit that the detail names."},
    {job_outcome_unknown, 503, "Service Unavailable", "job-outcome-unknown",
     "Whether the request was put off is not known",
     "It may run: look whether it took effect before you send it again, or send it with an "
     "Idempotency-Key from the start, and again with the same."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].id) != i) return false;
  return true;
}
static_assert(in_order(), "the table follows the enum");

// JSON string content; bytes over 126 are written as "?": details are made of ASCII.
void append_json(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(text[i]);
    } else if (c < 0x20) {
      out.append("\\u00");
      out.push_back(hex[c >> 4]);
      out.push_back(hex[c & 15]);
    } else {
      out.push_back(c < 0x7f ? text[i] : '?');
    }
  }
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"");
  append_json(out, value);
  out.push_back('"');
}

}  // namespace

const problem_info& info(problem p) noexcept {
  const auto i = static_cast<std::size_t>(p);
  return i < table.size() ? table[i] : table.back();
}

std::span<const problem_info> all_problems() noexcept { return table; }

void append_problem_body(std::string& out, problem p, std::string_view detail,
                         std::string_view instance) {
  const auto& i = info(p);
  out.append("{\"type\":\"").append(problem_type_base).append(i.slug).append("\"");
  append_member(out, "title", i.title);
  out.append(",\"status\":");
  http1::append_decimal(out, i.status);
  if (!detail.empty()) append_member(out, "detail", detail);
  append_member(out, "advice", i.advice);
  if (!instance.empty()) append_member(out, "instance", instance);
  out.append("}\n");
}

void append_problem_response(std::string& out, problem p, std::string_view detail,
                             const problem_context& c) {
  const auto& i = info(p);
  std::string body;
  append_problem_body(body, p, detail, c.instance);
  out.append("HTTP/1.1 ");
  http1::append_decimal(out, i.status);
  out.append(" ").append(i.reason).append("\r\n");
  const auto now = http1::format_date(c.now);
  http1::append_header(out, "Date", {now.data(), now.size()});
  out.append("Content-Type: application/problem+json\r\nCache-Control: no-store\r\n");
  append_content_length(out, body.size());
  if (c.status) append_cache_status(out, *c.status);
  out.append(c.extra_fields);
  if (!c.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (c.client_http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (!c.head_only) out.append(body);
}

}  // namespace fairing::http
