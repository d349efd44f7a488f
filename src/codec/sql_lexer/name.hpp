// name: identifiers as PostgreSQL stores them.
//
// Problem: `Foo`, `foo`, `"foo"` and U&"f\006fo" are one name; `"Foo"` is another. Names that key a
// map (statements, cursors, channels, settings) are compared in this form.
// Flow: canonical_name("\"A\".b") gives `A.b`. Off the hot path: may allocate; pure, any thread.
// Source: downcase_truncate_identifier and str_udeescape of PostgreSQL 15: ASCII is folded, a part
// over 63 bytes is cut at a character of UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace fairing::codec::sql_lexer {

// `name`: one identifier, or several with dots; white space and comments around dots are dropped.
// An UESCAPE clause is not known: the escape is the backslash. Text that is no identifier (a string, a
// number) is taken over as it is.
[[nodiscard]] std::string canonical_name(std::string_view name);

// The name of a setting: the same, and all in lower case, since settings ignore case.
[[nodiscard]] std::string canonical_setting(std::string_view name);

}  // namespace fairing::codec::sql_lexer
