// script: what a client is going to send, and every message that has to come back for it.
//
// A script is a list of steps. A step is sent at once, and the next one only when all of its answers have come. Every
// row that may come is known beforehand: it bears the tag of the statement that asked for it, and a number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fairing::torture {

// Tags are "~CLIENT.CONNECTION-STATEMENT~": found by the fault proxy in passing bytes, too.
inline constexpr char tag_mark = '~';

enum class answer : std::uint8_t {
  parse_complete,         // 1
  bind_complete,          // 2
  close_complete,         // 3
  parameter_description,  // t
  row_description,        // T
  no_data,                // n
  rows,                   // `count` DataRows: tag, first, text; tag, first + 1, text; ...
  portal_suspended,       // s
  command_complete,       // C, its tag is `text`
  copy_out,               // CopyOutResponse
  copy_in,                // CopyInResponse
  copy_rows,              // `count` CopyData: "tag\tfirst\n", ...
  copy_done,              // c
  error,                  // ErrorResponse with the SQLSTATE `text`; all up to `ready` is skipped
  ready,                  // ReadyForQuery with the status `status`
};

struct expected {
  answer what = answer::ready;
  std::string tag;           // of rows: the first column
  std::string text;          // see above; of rows: the third column
  std::uint32_t first = 0;   // of rows: the second column of the first of them
  std::uint32_t count = 0;   // of rows
  std::uint8_t columns = 2;  // of rows: 1 (the tag), 2 or 3
  bool binary = false;       // of rows: the second column is a binary int4
  char status = 'I';         // of ready
};

enum class cancel : std::uint8_t {
  none,       // no cancel request
  own,        // one with the connection's key: the error 57014 is as good as the answer
  wrong_key,  // one with the connection's pid and another secret: nothing may come of it
};

struct step {
  std::string bytes;
  std::vector<expected> answers;
  cancel request = cancel::none;
  std::uint32_t cancel_after_ms = 0;
  bool large = false;  // its answer is: worth being read slowly
};

struct script {
  const char* kind = "";
  std::vector<step> steps;
  std::uint32_t statements = 0;
};

}  // namespace fairing::torture
