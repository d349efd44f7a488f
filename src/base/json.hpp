// json: writes JSON strings, for log lines and small answers built without a JSON library.
//
// Problem: what peers send (paths, header values) ends up in logs; it must not be able to break a
// line, forge a field or make the line invalid UTF-8.
//
// Flow:  out += R"({"path":)"; append_json_string(out, path); out += '}';
// Threads: any.
// Cost: a table look-up a byte for ASCII; no allocation beyond the growth of `out`.
#pragma once

#include <string>
#include <string_view>

namespace fairing {

// Appends `text` quoted and escaped (RFC 8259 §7). Each maximal part that is not UTF-8 (overlong
// forms, surrogates and code points over U+10FFFF included) becomes U+FFFD (Unicode 15, §3.9).
void append_json_string(std::string& out, std::string_view text);

}  // namespace fairing
