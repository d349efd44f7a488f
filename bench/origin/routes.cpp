#include "bench/origin/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace fairing::bench {
namespace {

constexpr std::string_view text_fields =
    "Content-Type: text/plain\r\nCache-Control: max-age=3600\r\nETag: \"b1\"\r\n";
constexpr std::string_view binary_fields =
    "Content-Type: application/octet-stream\r\nCache-Control: max-age=3600\r\n";
constexpr std::string_view json_fields =
    "Content-Type: application/json\r\nCache-Control: max-age=3600\r\nETag: \"j1\"\r\n"
    "Vary: Accept-Encoding\r\n";
constexpr std::string_view json_gzip_fields =
    "Content-Type: application/json\r\nCache-Control: max-age=3600\r\nETag: \"j1-gzip\"\r\n"
    "Vary: Accept-Encoding\r\nContent-Encoding: gzip\r\n";
constexpr std::string_view private_fields =
    "Content-Type: text/plain\r\nCache-Control: private, no-store\r\n";
constexpr std::uint64_t longest_delay_ms = 60'000;

}  // namespace

routed_answer routes::answer(const scanned_request& request) {
  static constexpr std::array<route, 12> table = {{
      {"/kb1", false, &routes::kb1},
      {"/kb100", false, &routes::kb100},
      {"/json69", false, &routes::json69},
      {"/miss/", true, &routes::kb1},
      {"/slow", false, &routes::slow},
      {"/slow/", true, &routes::slow},
      {"/nostore", false, &routes::nostore},
      {"/tagged/", true, &routes::tagged},
      {"/fill/", true, &routes::fill},
      {"/generation", false, &routes::generation},
      {"/count", false, &routes::count},
      {"/reset", false, &routes::reset},
  }};
  for (const auto& r : table) {
    if (r.is_prefix ? request.path.starts_with(r.path) : request.path == r.path) {
      const bool control = r.path == "/count" || r.path == "/reset" || r.path == "/generation";
      if (!control) add_count(r.is_prefix && r.path != "/slow/" ? r.path : request.path);
      return (this->*r.make)(request);
    }
  }
  routed_answer none = plain("no such path at the benchmark origin\n");
  none.status = 404;
  none.fields = private_fields;
  return none;
}

void routes::add_count(std::string_view path) {
  ++total_;
  if (const auto it = counts_.find(path); it != counts_.end()) {
    ++it->second;
  } else if (counts_.size() < counted_paths) {
    counts_.emplace(path, 1);
  }
}

routed_answer routes::plain(std::string_view body) const {
  routed_answer a;
  a.fields = text_fields;
  a.body = body;
  return a;
}

routed_answer routes::kb1(const scanned_request&) { return plain(bodies_.kb1()); }

routed_answer routes::kb100(const scanned_request&) {
  // Binary by type: what is measured is a large body as it is, not its compression.
  routed_answer a = plain(bodies_.kb100());
  a.fields = binary_fields;
  return a;
}

routed_answer routes::json69(const scanned_request& request) {
  routed_answer a;
  a.fields = request.gzip ? json_gzip_fields : json_fields;
  a.body = request.gzip ? bodies_.json69_gzip() : bodies_.json69();
  return a;
}

routed_answer routes::slow(const scanned_request& request) {
  routed_answer a = plain(bodies_.kb1());
  a.delay_ms = std::min(query_number(request.query, "ms", 200), longest_delay_ms);
  return a;
}

routed_answer routes::nostore(const scanned_request& request) {
  routed_answer a = plain(bodies_.kb1());
  a.fields = private_fields;
  a.delay_ms = std::min(query_number(request.query, "ms", 500), longest_delay_ms);
  return a;
}

routed_answer routes::tagged(const scanned_request& request) {
  routed_answer a;
  fields_.clear();
  fmt::format_to(std::back_inserter(fields_),
                 "Content-Type: text/plain\r\nCache-Control: max-age=3600\r\nCache-Tag: all1m\r\n"
                 "X-Generation: {}\r\n",
                 generation_);
  a.fields = fields_;
  a.made_body = fmt::format("{} generation {}\n", request.path.substr(8), generation_);
  return a;
}

routed_answer routes::fill(const scanned_request& request) {
  const auto n = leading_number(request.path.substr(6));
  routed_answer a = plain(bodies_.text(fill_size(n)));
  if (n % 8 != 0) a.fields = binary_fields;
  return a;
}

routed_answer routes::generation(const scanned_request& request) {
  generation_ = query_number(request.query, "set", generation_);
  routed_answer a;
  a.fields = private_fields;
  a.made_body = fmt::format("{}\n", generation_);
  return a;
}

routed_answer routes::count(const scanned_request&) {
  routed_answer a;
  a.fields = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  a.made_body = fmt::format("{{\"total\":{},\"paths\":{{", total_);
  for (const auto& [path, n] : counts_) {
    if (path.find_first_of("\"\\") != path.npos) continue;  // no such path is asked for by our runs
    fmt::format_to(std::back_inserter(a.made_body), "{}\"{}\":{}",
                   a.made_body.back() == '{' ? "" : ",", path, n);
  }
  a.made_body += "}}\n";
  return a;
}

routed_answer routes::reset(const scanned_request&) {
  counts_.clear();
  total_ = 0;
  routed_answer a;
  a.fields = private_fields;
  a.made_body = "counts are zero\n";
  return a;
}

}  // namespace fairing::bench
