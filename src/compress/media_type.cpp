#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "compress/encoder.hpp"

namespace fairing::compress {

namespace {

constexpr std::array<std::string_view, 34> compressible{{
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/graphql",
    "application/graphql-response+json",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/typescript",
    "application/xml",
    "application/xhtml+xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/soap+xml",
    "application/wasm",
    "application/sql",
    "application/rtf",
    "application/toml",
    "application/yaml",
    "application/x-yaml",
    "application/x-www-form-urlencoded",
    "application/x-sh",
    "application/vnd.ms-fontobject",
    "application/x-font-ttf",
    "application/x-font-opentype",
    "font/ttf",
    "font/otf",
    "font/collection",
    "image/bmp",
    "image/svg+xml",
}};

bool ends_with_nocase(std::string_view text, std::string_view suffix) {
  return text.size() > suffix.size() && iequals(text.substr(text.size() - suffix.size()), suffix);
}

}  // namespace

bool compressible_type(std::string_view content_type) noexcept {
  const auto type = trim_ows(content_type.substr(0, content_type.find(';')));
  if (iequals(type.substr(0, 5), "text/"))
    return type.size() > 5 && !iequals(type, "text/event-stream");
  if (ends_with_nocase(type, "+json") || ends_with_nocase(type, "+xml")) return true;
  return std::any_of(compressible.begin(), compressible.end(),
                     [&](std::string_view known) { return iequals(type, known); });
}

}  // namespace fairing::compress
