// test_config: loading a text as fairing.yaml under a made-up environment, for the tests of this
// folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/config/source.hpp"

namespace fairing::config {

struct test_source {
  std::map<std::string, std::string> environment;
  config_source from;

  [[nodiscard]] loaded load(const std::string& text) const {
    config_source s = from;
    s.file = "fairing.yaml";
    s.env = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    };
    return s.load_text(text);
  }
  [[nodiscard]] std::vector<std::string> errors(const std::string& text) const {
    return texts(load(text).errors);
  }

  [[nodiscard]] static std::vector<std::string> texts(const diagnostics& list) {
    std::vector<std::string> out;
    for (const auto& d : list) out.push_back(to_text(d));
    return out;
  }
};

// A site that is right, to be written below `http:` tests that are about something else.
inline const std::string good_site = "http: { listen: 8080, upstream: http://127.0.0.1:3000 }\n";

}  // namespace fairing::config
