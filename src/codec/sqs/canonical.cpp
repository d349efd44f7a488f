// Canonical path, query, headers.
#include "codec/sqs/canonical.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "codec/sqs/digest.hpp"
#include "codec/sqs/text.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr std::size_t max_parameters = 1000;

// Calls f(part) for each part between `separator`s; stops where it says false.
template <class F>
bool for_each_part(std::string_view text, char separator, F&& f) {
  for (;;) {
    const auto end = text.find(separator);
    if (!f(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> query_parameters(
    std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  const bool good = for_each_part(query, '&', [&](std::string_view part) {
    if (part.empty()) return true;
    const auto equals = part.find('=');
    std::string name;
    std::string value;
    if (out.size() == max_parameters || !decode_form(part.substr(0, equals), name)) return false;
    if (equals != std::string_view::npos && !decode_form(part.substr(equals + 1), value))
      return false;
    out.emplace_back(std::move(name), std::move(value));
    return true;
  });
  if (!good) return std::nullopt;
  return out;
}

std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for_each_part(path, '/', [&](std::string_view part) {
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    return true;
  });
  std::string out;
  for (const auto part : parts) {
    out += '/';
    append_uri_encoded(out, part, false);
  }
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string canonical_query(const std::vector<std::pair<std::string, std::string>>& parameters,
                            std::string_view skip) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters) {
    if (!skip.empty() && name == skip) continue;
    auto& e = encoded.emplace_back();
    append_uri_encoded(e.first, name, false);
    append_uri_encoded(e.second, value, false);
  }
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::optional<std::string> canonical_header(const signed_request& r, std::string_view name) {
  std::optional<std::string> out;
  for (const auto& [key, value] : r.headers) {
    if (!iequals(key, name)) continue;
    if (out)
      *out += ',';
    else
      out.emplace();
    bool blank = false;
    for (const char c : trim_ows(value)) {
      if (c == ' ' && blank) continue;
      blank = c == ' ';
      *out += c;
    }
  }
  return out;
}

std::optional<std::string> canonical_request(const signed_request& r, std::string_view path,
                                             std::string_view query,
                                             std::string_view signed_headers,
                                             std::string_view payload_hash) {
  std::string out;
  out += r.method;
  out += '\n';
  out += path;
  out += '\n';
  out += query;
  out += '\n';
  const bool complete = for_each_part(signed_headers, ';', [&](std::string_view name) {
    const auto value = canonical_header(r, name);
    if (!value) return false;
    out += name;
    out += ':';
    out += *value;
    out += '\n';
    return true;
  });
  if (!complete) return std::nullopt;
  out += '\n';
  out += signed_headers;
  out += '\n';
  out += payload_hash;
  return out;
}

std::string string_to_sign(std::string_view date, std::string_view scope,
                           std::string_view canonical) {
  std::string out = "AWS4-HMAC-SHA256\n";
  out += date;
  out += '\n';
  out += scope;
  out += '\n';
  out += sha256_hex(canonical);
  return out;
}

}  // namespace fairing::codec::sqs
