// statements: single statements and what must come back, appended to a step.
//
// Flow:  step s; simple_rows(s, {.tag = tag, .first = 1, .count = 3}); ready(s.answers, 'I');
// Functions named after protocol messages append that message and its one answer; the rest are whole statements without
// their ReadyForQuery, which depends on where they stand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "script.hpp"

namespace fairing::torture {

// What a statement is asked for.
struct wanted {
  std::string tag;
  std::uint32_t first = 1;
  std::uint32_t count = 1;
  bool binary = false;  // extended protocol: the number as binary
};

// The text of the n-th prepared statement; half of them, as of all that follow, call no function, and may be sent ahead.
// $1 is the tag, $2 the count; its rows begin with first_of(n).
[[nodiscard]] std::string prepared_text(std::uint32_t n);
[[nodiscard]] std::uint32_t first_of(std::uint32_t n) noexcept;

void ready(std::vector<expected>& answers, char status);
void complete(std::vector<expected>& answers, std::string text);
void rows(std::vector<expected>& answers, const wanted& w);  // rows and their CommandComplete
void fails(std::vector<expected>& answers, std::string sqlstate);

// --- the simple protocol
[[nodiscard]] std::string rows_sql(const wanted& w);
void query(step& s, std::string_view sql);  // the message alone
void simple_rows(step& s, const wanted& w);
void simple_command(step& s, std::string_view sql, std::string text);   // "BEGIN" ...
void simple_error(step& s, const std::string& tag, char status_after);  // with its ReadyForQuery
void wide_row(step& s, const wanted& w, std::uint32_t repeats);
// One column, one row: SHOW.
void show(step& s, const std::string& name, const std::string& value);
// The value beside a tag.
void show_tagged(step& s, const wanted& w, const std::string& name, const std::string& value);
void copy_out(step& s, const wanted& w);

// --- the extended protocol
void parse(step& s, std::string_view name, std::string_view sql, bool with_types);
void describe_statement(step& s, std::string_view name);
// Bind and Execute, with or without Describe of the portal.
void bind_execute(step& s, std::string_view name, const wanted& w, bool describe);
void bind_execute_nothing(
    step& s);  // a statement without parameters and rows; its CommandComplete is the caller's
void close_statement(step& s, std::string_view name);
void sync(step& s, char status);
void flush(step& s);
// The rows in portions of `portion`, with PortalSuspended between them.
void portal_in_portions(step& s, std::string_view name, const wanted& w, std::uint32_t portion);
// One parameter of `size` bytes, of which the answer tells the length.
void big_parameter(step& s, const std::string& tag, std::uint32_t size);

}  // namespace fairing::torture
