#include "bench/origin/request_scan.hpp"

#include <algorithm>
#include <charconv>

namespace fairing::bench {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// `name` is lower-case and ends in its colon.
bool named(std::string_view line, std::string_view name) noexcept {
  return line.size() >= name.size() && std::equal(name.begin(), name.end(), line.begin(),
                                                  [](char a, char b) { return a == lower(b); });
}

bool read_field(std::string_view line, scanned_request& out) noexcept {
  if (named(line, "accept-encoding:")) {
    out.gzip = line.find("gzip") != line.npos;
  } else if (named(line, "content-length:")) {
    line.remove_prefix(15);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    out.body_size = leading_number(line);
  } else if (named(line, "connection:")) {
    out.close = line.find("lose") != line.npos;
  } else if (named(line, "transfer-encoding:")) {
    return false;
  }
  return true;
}

}  // namespace

scan_result scan(std::string_view bytes, scanned_request& out) noexcept {
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) {
    return bytes.size() > head_limit ? scan_result::bad : scan_result::incomplete;
  }
  out = {};
  out.size = end + 4;
  const auto first_end = bytes.find("\r\n");
  const auto first = bytes.substr(0, first_end);
  const auto space = first.find(' ');
  const auto last_space = first.rfind(' ');
  if (space == first.npos || last_space == space) return scan_result::bad;
  out.method = first.substr(0, space);
  out.close = first.substr(last_space + 1) == "HTTP/1.0";
  const auto target = first.substr(space + 1, last_space - space - 1);
  const auto mark = target.find('?');
  out.path = target.substr(0, mark);
  if (mark != target.npos) out.query = target.substr(mark + 1);
  if (!out.path.starts_with('/')) return scan_result::bad;
  auto at = first_end + 2;
  while (at < end + 2) {
    const auto stop = bytes.find("\r\n", at);
    if (!read_field(bytes.substr(at, stop - at), out)) return scan_result::bad;
    at = stop + 2;
  }
  return scan_result::ready;
}

std::uint64_t query_number(std::string_view query, std::string_view name,
                           std::uint64_t otherwise) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return leading_number(pair.substr(name.size() + 1));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return otherwise;
}

std::uint64_t leading_number(std::string_view text) noexcept {
  std::uint64_t n = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc{}) return 0;
  return n;
}

}  // namespace fairing::bench
