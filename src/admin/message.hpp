// message: a request and its answer as the router sees them, without sockets and syntax.
#pragma once

#include <cstdint>
#include <string>

#include "codec/http1/head.hpp"
#include "service/access.hpp"
#include "service/message.hpp"
#include "service/query.hpp"

namespace fairing::admin {

namespace http1 = codec::http1;

using service::access_policy;
using service::query_params;
using service::reason_of;

struct request {
  http1::method method = http1::method::get;
  std::string path = "/";
  std::string query;          // without the '?'
  std::string host;           // of the Host field or the absolute target; may be empty in HTTP/1.0
  std::string authorization;  // the field's value, or ""
  std::string origin;         // the same
  std::string fetch_site;     // Sec-Fetch-Site
  std::string body;
  bool by_cli = false;  // its User-Agent is this program's; for the counters only

  [[nodiscard]] service::caller who() const noexcept {
    return {host, authorization, origin, fetch_site};
  }
};

using service::response;

}  // namespace fairing::admin
