// The inside of a sqlcommenter comment, before and behind a statement: ranges stay inside the text, what is read is well
// formed, and without the comment the statement is what it was. (sql_lexer_analyze has comments anywhere.)
#include <algorithm>
#include <string>

#include "codec/sql_lexer/comment.hpp"
#include "fuzz/support.hpp"

using namespace fairing::codec::sql_lexer;
using fairing::fuzz::require;

namespace {

trace_comment check(std::string_view text) {
  const auto found = read_trace_comment(text);
  for (const auto& r : {found.front, found.back, found.route_value})
    require(r.begin <= r.end && r.end <= text.size(), "ranges inside the text");
  require(found.front.end <= found.back.begin || found.back.empty(), "the front is in front");
  require(found.piece(text, 0).size() + found.piece(text, 1).size() +
                  (found.front.end - found.front.begin) + (found.back.end - found.back.begin) ==
              text.size(),
          "pieces and comments are the text");
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (found.has_trace) {
    require(found.found(), "a trace is in a comment");
    require(std::ranges::all_of(found.trace(), hex) && std::ranges::all_of(found.span(), hex),
            "lower case hex");
  }
  require(found.trace().size() == (found.has_trace ? 32U : 0U), "32 digits or none");
  std::string route;
  if (route_of(text, found, route)) {
    require(!route.empty() && route.size() <= 256, "a route of a length");
    require(std::ranges::none_of(route, [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
            "without control characters");
  } else {
    require(route.empty(), "none is none");
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto inside = fairing::fuzz::text_of(data, size);
  static_cast<void>(check(inside));
  const std::string comment = "/*" + std::string(inside) + "*/";
  const auto behind = "SELECT 1 " + comment;
  const auto front = comment + " SELECT 1";
  const auto of_behind = check(behind);
  const auto of_front = check(front);
  static_cast<void>(check(behind + " ;"));
  static_cast<void>(check(comment + "SELECT 1" + comment));
  if (inside.find("*/") != inside.npos || inside.find("/*") != inside.npos) return 0;
  // One whole comment: it counts on both sides or on none.
  if (inside.ends_with('/') || inside.ends_with('*') || inside.starts_with('/')) return 0;
  require(of_behind.found() == of_front.found(), "it counts on either side");
  require(of_behind.trace() == of_front.trace() && of_behind.span() == of_front.span(),
          "with the same trace");
  if (!of_behind.found()) return 0;
  require(text_without(behind, of_behind) == "SELECT 1", "what stays is the statement");
  require(text_without(front, of_front) == "SELECT 1", "on either side");
  return 0;
}
