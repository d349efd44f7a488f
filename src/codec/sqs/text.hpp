// text: the characters of SQS: what a message may hold, how a form is escaped, how XML is.
//
// Problem: a body goes out as JSON to one client and as XML to another, and its MD5 must be the same at both; so it may
// hold only what both can say.
//
// Flow:  if (!is_message_text(body)) refuse;   if (!decode_form(raw, out)) refuse;   append_xml(out, text);
// Threads: any. Cost: one pass.
// Source: XML 1.0 §2.2 (Char); AWS SQS API reference, SendMessage; WHATWG URL, application/x-www-form-urlencoded.
#pragma once

#include <string>
#include <string_view>

namespace fairing::codec::sqs {

// UTF-8 of #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF.
[[nodiscard]] bool is_message_text(std::string_view text) noexcept;
// The same text with every part that is not message text as U+FFFD.
[[nodiscard]] std::string clean_text(std::string_view text);

// Percent-decoding and `+` for a blank. False: a `%` that is not followed by two hex digits.
[[nodiscard]] bool decode_form(std::string_view raw, std::string& out);

// Escaped for element content; CR as &#xD;, for parsers turn it into LF. `text` is message text.
void append_xml(std::string& out, std::string_view text);

// AWS's URI encoding: everything but A-Z a-z 0-9 - . _ ~ as %XX, in upper case; `/` too unless kept.
void append_uri_encoded(std::string& out, std::string_view bytes, bool keep_slash);

void append_hex(std::string& out, std::string_view bytes);  // lower case

}  // namespace fairing::codec::sqs
