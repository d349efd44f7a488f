// decode: a tree and the schema into a config, with every error there is.
//
// Flow:  decoded d = decode(tree);   if (!d.errors.empty()) print them all, exit 2
// Also gives where each key was written, for the checks that come after.
#pragma once

#include <map>
#include <string>

#include "app/config/config.hpp"
#include "app/config/diagnostic.hpp"
#include "app/config/schema.hpp"
#include "app/config/yaml_tree.hpp"

namespace fairing::config {

// Full path with indexes ("http.0.timeouts.total") -> where its value was written.
using locations = std::map<std::string, position>;

struct decoded {
  config value;
  diagnostics errors;
  locations places;
};

[[nodiscard]] decoded decode(const node& tree);

// Text to value by the field's kind and range; "" in `problem` when it is good.
[[nodiscard]] value parse_value(const field& f, const node& n, std::string& problem);

// The place of a key or, if it was not written, of the nearest section around it.
[[nodiscard]] position place_of(const locations& places, std::string key);

}  // namespace fairing::config
