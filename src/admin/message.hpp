// message: a request and its answer as the router sees them, without sockets and syntax.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/http1/head.hpp"

namespace fairing::admin {

namespace http1 = codec::http1;

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
};

struct response {
  std::uint16_t status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // Allow, WWW-Authenticate ...
};

}  // namespace fairing::admin
