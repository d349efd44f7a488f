#include "app/config/diagnostic.hpp"

#include <fmt/format.h>

namespace fairing::config {

std::string to_text(const position& p) {
  if (p.line == 0 || p.source.empty()) return p.source;
  return fmt::format("{}:{}:{}", p.source, p.line, p.column);
}

std::string to_text(const diagnostic& d) {
  const auto where = to_text(d.at);
  return where.empty() ? d.text : where + ": " + d.text;
}

}  // namespace fairing::config
