// client: one request to the admin API of a running instance.
//
// Flow:  admin_client c(endpoint{"http://127.0.0.1:9900", token});
//        reply r = c.get("/v1/checklist");   if (!r.reached) exit 3
// Blocking, on libcurl; connects within 2 s, answers within 60 s and 64 MiB. Proxies of the
// environment are not used.
#pragma once

#include <string>

#include "app/config/substitute.hpp"

namespace fairing::app {

struct endpoint {
  std::string url;            // "http://127.0.0.1:9900" or "unix:PATH"
  std::string token;          // empty: none was found
  std::string token_path;     // where it was looked for, for the message
  std::string token_problem;  // why there is none
};

// From --admin or FAIRING_ADMIN (a URL, PORT, HOST:PORT or unix:PATH), with the token of FAIRING_TOKEN or the runtime directory.
[[nodiscard]] endpoint find_instance(const std::string& admin, const config::environment& env);

struct reply {
  bool reached = false;
  int status = 0;
  std::string body;
  std::string problem;  // why it was not reached
};

class admin_client {
 public:
  explicit admin_client(endpoint e) : endpoint_(std::move(e)) {}
  [[nodiscard]] reply get(const std::string& path) const { return call(path, nullptr); }
  [[nodiscard]] reply post(const std::string& path, const std::string& json) const {
    return call(path, &json);
  }
  [[nodiscard]] const endpoint& where() const { return endpoint_; }

 private:
  [[nodiscard]] reply call(const std::string& path, const std::string* json) const;

  endpoint endpoint_;
};

[[nodiscard]] std::string percent_encode(std::string_view text);  // all but RFC 3986's unreserved

}  // namespace fairing::app
