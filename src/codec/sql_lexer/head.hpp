// head: the kind, names and ranges of a statement from its first tokens.
//
// Problem: nearly all that distinguishes utility statements stands in their first few words; the
// scanner keeps those and asks here once the statement has ended. Internal to the module: use
// statement_scanner. Pure, no allocation; any thread. Source: gram.y of PostgreSQL 15.
#pragma once

#include <span>
#include <string_view>

#include "codec/sql_lexer/statement.hpp"

namespace fairing::codec::sql_lexer {

// `head`: the first tokens, at least one; `last`: the statement's last one. Sets kind, name, value,
// special_name, local, value_is_default, modes and some flags of `st`.
void read_head(std::string_view text, std::span<const head_token> head, const token& last,
               statement& st) noexcept;

}  // namespace fairing::codec::sql_lexer
