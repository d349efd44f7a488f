// comment: the trace context that an ORM's plugin puts into SQL (sqlcommenter), and the text without.
//
// Problem: `/*traceparent='00-..-..-01',route='%2Fusers'*/` says which request a statement belongs to,
// but it makes every text new: prepared statements and text-keyed maps would never hit.
//
// Flow:
//   const trace_comment c = read_trace_comment(text);
//   if (c.has_trace) ...  c.trace_id, c.span_id; c.route(text, out)
//   if (c.found()) key = text_without(text, c);   // or hash the pieces c.piece(text, 0..2)
// A comment counts at the very beginning or the very end (a `;` may follow), and only if all of it
// is key='value' pairs: other comments, and hints (`/*+ .. */`), stay in the text. A
// value that is no valid traceparent is as if it was not there.
// Threads: any one; pure. Cost: two compares if the text neither begins nor ends with a comment,
// else one lexing. Source: google.github.io/sqlcommenter/spec, W3C Trace Context.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/sql_lexer/lexer.hpp"
#include "codec/sql_lexer/statement.hpp"

namespace fairing::codec::sql_lexer {

struct trace_comment {
  bool has_trace = false;
  bool sampled = false;             // the flag of traceparent
  std::array<char, 32> trace_id{};  // lower case hex, if has_trace
  std::array<char, 16> span_id{};   // lower case hex, if has_trace
  text_range route_value;           // still encoded, without its quotes; maybe empty
  text_range front;                 // to drop: the comment and the white space behind it
  text_range back;                  // to drop: white space and the comment

  [[nodiscard]] bool found() const noexcept { return !front.empty() || !back.empty(); }
  [[nodiscard]] std::string_view trace() const noexcept {
    return has_trace ? std::string_view(trace_id.data(), trace_id.size()) : std::string_view();
  }
  [[nodiscard]] std::string_view span() const noexcept {
    return has_trace ? std::string_view(span_id.data(), span_id.size()) : std::string_view();
  }
  // What stays, in order: pieces 0 and 1 (1 is what follows the comment at the end, as `;`).
  [[nodiscard]] std::string_view piece(std::string_view text, int n) const noexcept;
};

// Never fails: a text that does not lex has no comment.
[[nodiscard]] trace_comment read_trace_comment(std::string_view text,
                                               lexer_options options = {}) noexcept;

// The text without the comments found. Allocates.
[[nodiscard]] std::string text_without(std::string_view text, const trace_comment& found);

// Decodes the route (percent signs) into `out`, at most 256 bytes; false, and `out` empty, if there
// is none, it is longer, or it has control characters.
[[nodiscard]] bool route_of(std::string_view text, const trace_comment& found, std::string& out);

}  // namespace fairing::codec::sql_lexer
