#include "app/client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "app/config/address.hpp"
#include "app/config/source.hpp"
#include "base/version.hpp"

namespace fairing::app {

namespace {

constexpr std::size_t max_body_bytes = 64UL * 1024 * 1024;
constexpr long connect_timeout_ms = 2'000;
constexpr long total_timeout_ms = 60'000;

std::size_t collect(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > max_body_bytes) return 0;  // aborts the transfer
  body.append(data, size * count);
  return size * count;
}

struct easy_deleter {
  void operator()(CURL* c) const { curl_easy_cleanup(c); }
};
struct list_deleter {
  void operator()(curl_slist* l) const { curl_slist_free_all(l); }
};
using header_list = std::unique_ptr<curl_slist, list_deleter>;

void add(header_list& list, const std::string& line) {
  if (auto* grown = curl_slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(grown);
  }
}

}  // namespace

endpoint find_instance(const std::string& admin, const config::environment& env) {
  endpoint e;
  e.url = admin;
  if (!e.url.starts_with("unix:")) {
    while (e.url.ends_with('/')) e.url.pop_back();
    // As `run --admin` takes it.
    if (const auto listen = config::parse_listen(e.url)) e.url = "http://" + to_text(*listen);
  }
  e.token_path = config::runtime_directory(env) + "/token";
  if (const auto token = env("FAIRING_TOKEN"); token && !token->empty()) {
    e.token = *token;
    e.token_path = "FAIRING_TOKEN";
    return e;
  }
  if (auto bytes = config::read_small_file(e.token_path, 4096, e.token_problem)) {
    while (bytes->ends_with('\n') || bytes->ends_with('\r')) bytes->pop_back();
    if (bytes->find_first_of("\r\n") == std::string::npos) e.token = *bytes;
  }
  return e;
}

reply admin_client::call(const std::string& path, const std::string* json) const {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  reply r;
  const std::unique_ptr<CURL, easy_deleter> curl(ready ? curl_easy_init() : nullptr);
  if (!curl) {
    r.problem = "libcurl does not start";
    return r;
  }
  const bool is_unix = endpoint_.url.starts_with("unix:");
  std::string base = is_unix ? "http://localhost" : endpoint_.url;
  if (base.find("://") == std::string::npos) base = "http://" + base;
  const auto url = base + path;
  header_list headers;
  if (!endpoint_.token.empty()) add(headers, "Authorization: Bearer " + endpoint_.token);
  if (json != nullptr) add(headers, "Content-Type: application/json");
  add(headers, "Expect:");
  CURL* c = curl.get();
  char why[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  const auto agent = fmt::format("fairing/{}", fairing::version);
  curl_easy_setopt(c, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, total_timeout_ms);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &r.body);
  if (is_unix) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, endpoint_.url.c_str() + 5);
  if (json != nullptr) {
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json->size()));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, json->c_str());
  }
  const auto result = curl_easy_perform(c);
  if (result != CURLE_OK) {
    r.problem = why[0] != '\0' ? why : curl_easy_strerror(result);
    return r;
  }
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  r.status = static_cast<int>(status);
  r.reached = true;
  return r;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace fairing::app
