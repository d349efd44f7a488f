// saslprep: a password in the form that PostgreSQL and libpq hash.
//
// Problem: "é" has two spellings in Unicode. PostgreSQL normalises a password before it makes its
// secret, libpq before it logs in; whoever checks a password between them must do exactly the same.
//
// Flow:  auto prepared = saslprep(password);
// As PostgreSQL does: pure ASCII stays as it is (controls included); other white space becomes a
// space; what is "commonly mapped to nothing" goes; the checks (prohibited, unassigned in Unicode
// 3.2, mixed directions) look at the text before it is normalised by NFKC. Whatever fails a check, is
// not UTF-8, has a NUL or would become empty is used as the bytes it came as.
// Threads: any. Cost: nothing for ASCII, microseconds for others; allocates.
// Source: RFC 4013, RFC 3454, PostgreSQL 15 src/common/saslprep.c (its order of steps). Unicode's
// tables are libidn's.
#pragma once

#include <string>
#include <string_view>

namespace fairing::codec::scram {

// What comes out is to be wiped by the caller when it was secret (wipe, wiped_string).
[[nodiscard]] std::string saslprep(std::string_view password);

}  // namespace fairing::codec::scram
