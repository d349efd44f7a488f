#include "admin/problem.hpp"

#include <array>

namespace fairing::admin {
namespace {

using enum problem;

constexpr std::array<problem_info, problem_count> table{{
    {{400, "bad-request", "The request is malformed",
      "Send it as docs/reference/admin.openapi.yaml says; the detail names the fault."},
     bad_request},
    {{401, "unauthorized", "This needs the token",
      "Send `Authorization: Bearer TOKEN`; the token is in the file `token` of the runtime "
      "directory."},
     unauthorized},
    {{403, "forbidden", "The admin interface is not for this page or name",
      "Ask for localhost, 127.0.0.1 or the listen address, and not from another site's page."},
     forbidden},
    {{404, "not-found", "There is nothing here", "The detail says what is nearest."}, not_found},
    {{405, "method-not-allowed", "The method is not allowed here",
      "Use one of the methods in Allow."},
     method_not_allowed},
    {{408, "request-timeout", "The request came too slowly", "Send it again."}, request_timeout},
    {{413, "body-too-large", "The request body is too large", "Send at most 1 MiB at once."},
     body_too_large},
    {{414, "uri-too-long", "The request target is too long", "Shorten the query."}, uri_too_long},
    {{422, "reload-refused", "The new configuration is refused; the old one goes on",
      "Correct what the detail names; `fairing validate` tells it without a reload."},
     reload_refused},
    {{431, "head-too-large", "The request head is too large", "Send at most 8 KiB of fields."},
     head_too_large},
    {{500, "internal", "Fairing failed", "Report it with the log around this time."}, internal},
    {{503, "overloaded", "The admin interface is busy", "Try again in a second."}, overloaded},
    {{505, "version-not-supported", "The HTTP version is not supported", "Use HTTP/1.1."},
     version_not_supported},
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
  return service::problem_response(info(p), detail);
}

}  // namespace fairing::admin
