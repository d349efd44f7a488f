// result: how every fallible call of Fairing answers.
//
// Problem: the data plane must not throw, and a failure must name its kind (an enum of the module,
// convertible to std::error_code) and, off the hot path, what was wrong in words.
//
// Flow:
//   result<config> load(...) { if (bad) return fail(errc::bad_value, "line 3: ..."); return value;
//   } auto r = load(...); if (!r) return std::unexpected(r.error());
//
// Cost: an error without detail allocates nothing.
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace fairing {

struct error {
  std::error_code code;  // which module's enum, and which value of it
  std::string detail;    // what, where and what to do; may be empty on the data plane

  // "<detail>" when there is one, else the code's own sentence.
  [[nodiscard]] std::string message() const { return detail.empty() ? code.message() : detail; }
};

template <class T>
using result = std::expected<T, error>;

[[nodiscard]] inline std::unexpected<error> fail(std::error_code code, std::string detail = {}) {
  return std::unexpected<error>(error{code, std::move(detail)});
}

}  // namespace fairing
