#include "http/logic/forward.hpp"

#include <algorithm>
#include <array>

#include "http/logic/directives.hpp"
#include "http/logic/fields.hpp"

namespace fairing::http {
namespace {

using enum http1::field;

// Fields by which proxies tell a backend who asked and for what. An underscore counts as a hyphen:
// CGI-like backends read both as one variable.
bool is_forwarded_name(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 10> names = {
      "forwarded",           "x-real-ip",        "true-client-ip",   "x-client-ip",
      "x-cluster-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-original-url",
      "x-rewrite-url",       "x-original-host"};
  std::array<char, 24> buffer;
  const auto size = std::min(name.size(), buffer.size());
  for (std::size_t i = 0; i < size; ++i) buffer[i] = name[i] == '_' ? '-' : ascii_lower(name[i]);
  const std::string_view lower{buffer.data(), size};
  if (lower.starts_with("x-forwarded")) return true;
  return name.size() <= size && std::ranges::find(names, lower) != names.end();
}

bool is_condition(http1::field id) noexcept {
  return id == if_match || id == if_none_match || id == if_modified_since ||
         id == if_unmodified_since;
}

// Is the field written by Fairing itself, or left out by this context?
bool is_left_out(const http1::request_head& request, const http1::header& h,
                 const forward_context& c) noexcept {
  switch (h.id) {
    case host:
    case content_length:
    case expect:
    case max_forwards:
    case traceparent:
    case x_forwarded_for:
    case x_forwarded_proto:
    case x_forwarded_host:
    case x_real_ip:
      return true;
    case forwarded:
      return !c.trusted_peer || !c.tell_client;
    case accept_encoding:
      return c.encoding != encoding_policy::pass;
    case range:
    case if_range:
      return c.drop_range;
    case tracestate:
      return !c.trace.continued;
    case via:
      return !c.tell_client;
    case other:
      if (iequals(h.name, deadline_field)) return true;
      if (iequals(h.name, "surrogate-capability")) return !c.trusted_peer || !c.tell_client;
      if ((!c.trusted_peer || !c.tell_client) && is_forwarded_name(h.name)) return true;
      break;
    default:
      break;
  }
  if (c.drop_conditionals && is_condition(h.id)) return true;
  return http1::is_hop_by_hop(request, h);
}

void append_forwarded(std::string& out, const forward_context& c, std::string_view host_sent) {
  const bool v6 = c.peer_ip.find(':') != std::string_view::npos;
  out.append("Forwarded: for=");
  if (c.peer_ip.empty()) {
    out.append("unknown");
  } else if (v6) {
    out.append("\"[").append(c.peer_ip).append("]\"");
  } else {
    out.append(c.peer_ip);
  }
  if (!host_sent.empty() && host_sent.find_first_of("\"\\") == std::string_view::npos)
    out.append(";host=\"").append(host_sent).append("\"");
  out.append(";proto=").append(c.scheme).append("\r\n");
}

void append_identity(std::string& out, const http1::request_head& request,
                     const forward_context& c) {
  append_forwarded(out, c, request.authority);
  std::string_view separator;
  const auto add_address = [&](std::string_view address) {
    if (address.empty()) return;
    out.append(separator.empty() ? "X-Forwarded-For: " : separator).append(address);
    separator = ", ";
  };
  if (c.trusted_peer)
    for (const auto& h : request.headers)
      if (h.id == x_forwarded_for) add_address(h.value);
  add_address(c.peer_ip);
  if (!separator.empty()) out.append("\r\n");
  const auto said = [&](http1::field id) {
    return c.trusted_peer ? request.get(id) : std::string_view{};
  };
  const auto proto = said(x_forwarded_proto);
  http1::append_header(out, "X-Forwarded-Proto", proto.empty() ? c.scheme : proto);
  const auto host_said = said(x_forwarded_host);
  const auto host_value = host_said.empty() ? request.authority : host_said;
  if (!host_value.empty()) http1::append_header(out, "X-Forwarded-Host", host_value);
  const auto address = c.client_ip.empty() ? c.peer_ip : c.client_ip;
  if (!address.empty()) http1::append_header(out, "X-Real-IP", address);
  http1::append_header(out, "Via", via_value);
  if (c.deadline) {
    out.append(deadline_field).append(": ");
    http1::append_decimal(
        out, static_cast<std::uint64_t>(std::max<std::int64_t>(c.deadline->count(), 0)));
    out.append("\r\n");
  }
}

// If-Match and If-None-Match of a request that the cache has no part in: of each ETag that may be a
// variant of ours the backend's own form is added. Added, not put in its place: a backend may give
// "v1-gzip" itself.
void append_etag_list(std::string& out, const http1::header& h) {
  out.append(h.name).append(": ").append(h.value);
  for_each_list_element(h.value, [&](std::string_view tag) {
    for (const std::string_view suffix : {"-gzip\"", "-br\"", "-zstd\""}) {
      if (!tag.ends_with(suffix)) continue;
      out.append(", ").append(tag.substr(0, tag.size() - suffix.size())).append("\"");
    }
  });
  out.append("\r\n");
}

void append_connection(std::string& out, const http1::request_head& request,
                       const forward_context& c) {
  const bool trailers = accepts_trailers(request);
  if (c.upgrade) {
    out.append("Connection: upgrade\r\n");
    for (const auto& h : request.headers)
      if (h.id == upgrade) http1::append_header(out, h.name, h.value);
    return;
  }
  if (trailers) out.append("TE: trailers\r\n");
  if (trailers || c.close)
    out.append("Connection: ")
        .append(trailers && c.close ? "te, close"
                : trailers          ? "te"
                                    : "close")
        .append("\r\n");
}

void append_body_fields(std::string& out, const http1::request_head& request,
                        const forward_context& c) {
  switch (c.body.kind) {
    case http1::body_kind::length:
      append_content_length(out, c.body.length);
      break;
    case http1::body_kind::chunked:
      out.append("Transfer-Encoding: chunked\r\n");
      for (const auto& h : request.headers)
        if (h.id == trailer) http1::append_header(out, h.name, h.value);
      break;
    default:
      // "POST with nothing" said so; a GET stays without.
      if (request.has(content_length) && !c.as_get) append_content_length(out, 0);
  }
  if (c.expect_continue && c.body.kind != http1::body_kind::none)
    out.append("Expect: 100-continue\r\n");
}

}  // namespace

std::optional<milliseconds> read_deadline(const http1::request_head& request) noexcept {
  const auto* h = request.find(deadline_field);
  const auto value =
      h ? parse_delta(h->value) : std::nullopt;  // bounded like a lifetime; here in ms
  if (!value) return std::nullopt;
  return milliseconds{value->count()};
}

bool accepts_trailers(const http1::request_head& request) noexcept {
  bool trailers = false;
  request.for_each_element(te, [&](std::string_view e) { trailers |= iequals(e, "trailers"); });
  return trailers;
}

bool ends_at_this_hop(const http1::request_head& request) noexcept {
  if (request.method != http1::method::trace && request.method != http1::method::options)
    return false;
  const auto value = parse_digits(request.get(max_forwards));
  return value && *value == 0;
}

void build_upstream_head(std::string& out, const http1::request_head& request,
                         const forward_context& c) {
  const bool get = c.as_get && request.method == http1::method::head;
  out.append(get ? std::string_view{"GET"} : request.method_text).push_back(' ');
  if (request.path != "*") out.append(c.base_path);
  out.append(request.path);
  if (request.has_query) out.append("?").append(request.query);
  out.append(" HTTP/1.1\r\n");
  const bool own_host = !c.preserve_host || request.authority.empty();
  http1::append_header(out, "Host", own_host ? c.upstream_host : request.authority);

  for (const auto& h : request.headers) {
    if (is_left_out(request, h, c)) continue;
    if (c.own_codings && (h.id == if_match || h.id == if_none_match)) {
      append_etag_list(out, h);
    } else {
      http1::append_header(out, h.name, h.value);
    }
  }
  if (c.surrogate) {
    out.append("Surrogate-Capability: ").append(surrogate_name).append("=\"Surrogate/1.0\"\r\n");
  }
  if (c.encoding == encoding_policy::replace && !c.accept_encoding.empty())
    http1::append_header(out, "Accept-Encoding", c.accept_encoding);
  if (const auto hops = parse_digits(request.get(max_forwards))) {
    const bool counts =
        request.method == http1::method::trace || request.method == http1::method::options;
    out.append("Max-Forwards: ");
    http1::append_decimal(out, counts && *hops > 0 ? *hops - 1 : *hops);
    out.append("\r\n");
  }
  if (c.trace.trace_id[0] != '\0') append_traceparent(out, c.trace);
  if (c.tell_client) append_identity(out, request, c);
  out.append(c.extra_fields);
  append_connection(out, request, c);
  append_body_fields(out, request, c);
  out.append("\r\n");
}

}  // namespace fairing::http
