// print: the normal form of a template as a person reads it.
//
// Problem: the normal form has one blank between any two tokens and a byte for a slot, which is quick
// to write and to compare; reports want `select * from users where id = $1`.
// Flow: print_normal_form(builder.normal_form(), text, 2048). Internal to the module, pure, any
// thread; off the hot path. What it prints lexes to the tokens it was made of.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairing::codec::sql_lexer {

inline constexpr char slot_mark = '\x01';  // a slot
inline constexpr char list_mark = '\x02';  // elements of a list may have been dropped here

// Appends at most max_bytes; what is cut ends in "...".
void print_normal_form(std::string_view normal, std::string& out, std::size_t max_bytes);

}  // namespace fairing::codec::sql_lexer
