// answer_check: whether what came is exactly what the script says: no row of somebody else, none more, none less.
//
// Flow:
//   check.begin(step.answers, may_be_cancelled);
//   for each message that came: switch (check.take(type, body)) ...
//     more: go on; done: the step is over (broke() says whether a server's fault cut it short)
//     fatal: the server said goodbye, sqlstate() says why; fault: complaint() says what is wrong
// Errors of the classes 08, 53 and 57P are a server's or the pool's: they end a statement and are counted, the caller
// has to know a fault that explains them. Any other error that was not expected is a fault.
// Lifecycle: one a connection. Cost: a few compares a row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script.hpp"

namespace fairing::torture {

enum class verdict : std::uint8_t {
  more,   // as expected
  done,   // as expected, and the last one
  fatal,  // a FATAL: the connection is going to end
  fault,  // something that must never come
};

class answer_check {
 public:
  void begin(std::span<const expected> answers, bool may_be_cancelled);
  [[nodiscard]] verdict take(char type, std::string_view body);
  // Values that this client's application_name may be reported to have now.
  std::vector<std::string> names;

  [[nodiscard]] bool waiting() const noexcept { return at_ < answers_.size(); }
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  [[nodiscard]] bool broke() const noexcept { return broke_; }
  [[nodiscard]] const std::string& sqlstate() const noexcept {
    return sqlstate_;
  }  // of the last error
  [[nodiscard]] const std::string& message() const noexcept {
    return message_;
  }  // of the last error
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] bool wrong_row() const noexcept { return wrong_row_; }  // what `complaint` is about
  // What is waited for, in words.
  [[nodiscard]] std::string next() const;

 private:
  verdict on_error(std::string_view body);
  verdict on_ready(std::string_view body);
  verdict on_row(const expected& e, std::string_view body);
  verdict on_copy_row(const expected& e, std::string_view body);
  verdict on_parameter(std::string_view body);
  verdict advance();
  verdict complain(std::string text);
  void skip_to_ready();
  [[nodiscard]] bool skips() const noexcept { return skipping_; }

  std::span<const expected> answers_;
  std::size_t at_ = 0;
  std::uint32_t seen_ = 0;  // rows of the present item
  bool may_be_cancelled_ = false;
  bool skipping_ = false;
  bool cancelled_ = false;
  bool broke_ = false;
  bool wrong_row_ = false;
  std::uint64_t rows_ = 0;
  std::string sqlstate_, message_, complaint_;
};

}  // namespace fairing::torture
