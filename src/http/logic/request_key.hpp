// request_key: under which key an answer is stored: site, authority, path, query, and what the site
// adds.
//
// Problem: two requests may share an answer only if the backend cannot tell them apart. Fairing
// forwards path and query byte for byte (RFC 9110 §7.7), and backends differ on whether "/%61" is
// "/a" or "/a//b" is
// "/a/b": to treat them as one would let anyone store a 404 or a fallback page under another URL.
// So the key is byte for byte as well, but for the authority's case. Requests with dot segments,
// plain or encoded, are not cached at all (judge_request). Only what the operator says of the query
// is left out or sorted. The port stays in the key: an application may build links from the Host it
// was sent.
//
// Flow:  make_key(key, site.name, request, site.cache.key);   store.find(store.hash(key), key, now)
//        append_variant (vary.hpp) for the secondary key
// Text:  SITE LF AUTHORITY PATH [?QUERY] [LF NAME=VALUE]...     GET and HEAD share it.
// Cost: without key_config three appends; nothing allocates beyond the reused string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codec/http1/head.hpp"
#include "http/logic/site_config.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

// Appends the key of the request to `out`. With head_as_get false a HEAD has a key of its own.
void make_key(std::string& out, std::string_view site, const http1::request_head& request,
              const key_config& config, bool head_as_get = true);

// The key of a URL: absolute ("https://host:port/path?query"; the scheme's default port is left
// out) or with `host` for a path alone ("/path?query"). nullopt if it is neither, or if the site's
// key has headers or cookies in it (then purge by tag or by prefix).
[[nodiscard]] std::optional<std::string> key_from_url(std::string_view site, std::string_view url,
                                                      const key_config& config,
                                                      std::string_view host = {});
// What the keys of all URLs under that one begin with; the URL's query is part of it as it stands.
[[nodiscard]] std::optional<std::string> prefix_from_url(std::string_view site,
                                                         std::string_view url,
                                                         std::string_view host = {});

// The parameters of `query` that count, in the order that counts; at most 64 are sorted, more stay
// as sent.
void append_query(std::string& out, std::string_view query, const key_config& config);

// Does the path have a "." or ".." segment, a dot written as %2e or not?
[[nodiscard]] bool has_dot_segments(std::string_view path) noexcept;

// The value of that cookie, or nullopt.
[[nodiscard]] std::optional<std::string_view> find_cookie(const http1::request_head& request,
                                                          std::string_view name) noexcept;

}  // namespace fairing::http
