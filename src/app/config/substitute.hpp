// substitute: `${VAR}`, `${VAR:-default}`, `${file:PATH}` and `$$` in the scalars of a tree.
//
// Problem: secrets and addresses come from the environment or from mounted files, must not be able
// to change the structure of the file, and must never be printed.
//
// Flow:  substitute(tree, environment(), errors);   // node::text is replaced, node::written stays
// Rules: a default stands in for a variable that is unset or empty; without default an unset
// variable is an error (an empty one is the empty text); of a file one final newline is dropped;
// `$$` is `$`; other `$` are kept; what was put in is not looked at again. Keys are not
// substituted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/config/diagnostic.hpp"
#include "app/config/yaml_tree.hpp"

namespace fairing::config {

// Gives the value of an environment variable, or nullopt. Passed in, so that a test needs no real
// one.
using environment = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] environment process_environment();

void substitute(node& tree, const environment& env, diagnostics& errors);

// A whole file of at most `max_bytes`; nullopt and why in `problem` if it cannot be read.
[[nodiscard]] std::optional<std::string> read_small_file(const std::string& path,
                                                         std::size_t max_bytes,
                                                         std::string& problem);

}  // namespace fairing::config
