#include "jobs/logic/push_url.hpp"

#include <algorithm>
#include <charconv>

#include "jobs/logic/store.hpp"

namespace fairing::jobs {

namespace {

bool visible(char c) noexcept { return c > ' ' && c < 0x7f; }

bool is_host(std::string_view host, bool v6) noexcept {
  return !host.empty() && std::ranges::all_of(host, [v6](char c) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return word || (v6 ? c == ':' || c == '.' : c == '.' || c == '-' || c == '_');
  });
}

// HOST, HOST:PORT, [V6], [V6]:PORT; false: it is none of these.
bool split_authority(std::string_view authority, push_url& out) {
  auto host = authority;
  std::string_view port;
  const bool v6 = authority.starts_with('[');
  if (v6) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!is_host(host, v6)) return false;
  if (!port.empty()) {
    const auto* const end = port.data() + port.size();
    const auto r = std::from_chars(port.data() + 1, end, out.port);
    if (port.front() != ':' || r.ec != std::errc{} || r.ptr != end || out.port == 0) return false;
  }
  out.host = host;
  return true;
}

}  // namespace

result<push_url> parse_push_url(std::string_view text) {
  push_url out;
  auto rest = text;
  if (rest.starts_with("https://")) {
    out.tls = true;
    out.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(errc::bad_request, "is http://HOST:PORT/PATH or https://HOST/PATH");
  }
  if (!std::ranges::all_of(rest, visible) || rest.find('#') != std::string_view::npos)
    return fail(errc::bad_request, "has no fragment, no blank and no control character");
  const auto end = rest.find_first_of("/?");
  const auto authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return fail(errc::bad_request,
                "has no user and password: the worker checks the signature, see `secret`");
  if (!split_authority(authority, out))
    return fail(errc::bad_request, "needs a host, as in http://127.0.0.1:3000/jobs/emails");
  out.host_field = authority;
  if (end != std::string_view::npos) out.target = rest.substr(end);
  if (out.target.starts_with('?')) out.target.insert(0, 1, '/');
  return out;
}

}  // namespace fairing::jobs
