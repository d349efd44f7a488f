#include "service/problem.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace fairing::service {

response problem_response(const problem_text& p, std::string_view detail) {
  response r;
  r.status = p.status;
  r.content_type = "application/problem+json";
  r.body = fmt::format(R"({{"type":"urn:fairing:problem:{}","title":)", p.slug);
  append_json_string(r.body, p.title);
  r.body += fmt::format(R"(,"status":{},"detail":)", p.status);
  append_json_string(r.body, detail.empty() ? p.title : detail);
  r.body += R"(,"advice":)";
  append_json_string(r.body, p.advice);
  r.body += "}\n";
  if (p.status == 401) r.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"fairing\"");
  if (p.status == 503) r.fields.emplace_back("Retry-After", "1");
  return r;
}

}  // namespace fairing::service
