// diagnostic: one thing wrong (or worth saying) in a configuration, with the place it stands at.
//
// Problem: a file with five mistakes must name all five at once, each where an editor can jump to
// it.
//
// Flow:  errors.push_back({at, "http.0.cahce", "unknown key `http.0.cahce`; did you mean
// `cache`?"});
//        fmt::print(stderr, "{}\n", to_text(errors.back()));   // fairing.yaml:12:5: unknown key
//        ...
#pragma once

#include <string>
#include <vector>

namespace fairing::config {

// Where a value comes from. A value of a flag or of the environment has no line.
struct position {
  std::string source;  // "fairing.yaml", "--set cache.memory=1", "FAIRING_ADMIN"
  int line = 0;        // from 1; 0: none
  int column = 0;      // from 1, in characters
};

struct diagnostic {
  position at;
  std::string key;   // full path with indexes, "http.0.timeouts.total"; may be empty
  std::string text;  // the sentence, with what to do
};

using diagnostics = std::vector<diagnostic>;

[[nodiscard]] std::string to_text(
    const position& p);  // "fairing.yaml:12:5", "--set cache.memory=1"
[[nodiscard]] std::string to_text(const diagnostic& d);  // "<position>: <text>"

}  // namespace fairing::config
