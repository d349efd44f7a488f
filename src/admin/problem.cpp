#include "admin/problem.hpp"

#include <fmt/format.h>

#include <array>

#include "base/json.hpp"

namespace fairing::admin {
namespace {

using enum problem;

constexpr std::array<problem_info, problem_count> table{{
    {bad_request, 400, "bad-request", "The request is malformed",
     "Send it as docs/reference/admin.openapi.yaml says; the detail names the fault."},
    {unauthorized, 401, "unauthorized", "This needs the token",
     "Send `Authorization: Bearer TOKEN`; the token is in the file `token` of the runtime "
     "directory."},
    {forbidden, 403, "forbidden", "The admin interface is not for this page or name",
     "Ask for localhost, 127.0.0.1 or the listen address, and not from another site's page."},
    {not_found, 404, "not-found", "There is nothing here", "The detail says what is nearest."},
    {method_not_allowed, 405, "method-not-allowed", "The method is not allowed here",
     "Use one of the methods in Allow."},
    {request_timeout, 408, "request-timeout", "The request came too slowly", "Send it again."},
    {body_too_large, 413, "body-too-large", "The request body is too large",
     "Send at most 1 MiB at once."},
    {uri_too_long, 414, "uri-too-long", "The request target is too long", "Shorten the query."},
    {reload_refused, 422, "reload-refused", "The new configuration is refused; the old one goes on",
     "Correct what the detail names; `fairing validate` tells it without a reload."},
    {head_too_large, 431, "head-too-large", "The request head is too large",
     "Send at most 8 KiB of fields."},
    {internal, 500, "internal", "Fairing failed", "Report it with the log around this time."},
    {overloaded, 503, "overloaded", "The admin interface is busy", "Try again in a second."},
    {version_not_supported, 505, "version-not-supported", "The HTTP version is not supported",
     "Use HTTP/1.1."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].id) != i) return false;
  return true;
}
static_assert(in_order(), "the table follows the enum");

}  // namespace

const problem_info& info(problem p) noexcept {
  const auto i = static_cast<std::size_t>(p);
  return i < table.size() ? table[i] : table[static_cast<std::size_t>(internal)];
}

std::span<const problem_info> all_problems() noexcept { return table; }

response refuse(problem p, std::string_view detail) {
  const auto& i = info(p);
  response r;
  r.status = i.status;
  r.content_type = "application/problem+json";
  r.body = fmt::format(R"({{"type":"urn:fairing:problem:{}","title":)", i.slug);
  append_json_string(r.body, i.title);
  r.body += fmt::format(R"(,"status":{},"detail":)", i.status);
  append_json_string(r.body, detail.empty() ? i.title : detail);
  r.body += R"(,"advice":)";
  append_json_string(r.body, i.advice);
  r.body += "}\n";
  if (p == unauthorized) r.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"fairing\"");
  if (p == overloaded) r.fields.emplace_back("Retry-After", "1");
  return r;
}

}  // namespace fairing::admin
