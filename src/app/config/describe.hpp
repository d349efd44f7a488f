// describe: the schema for people and editors, and a config as JSON.
//
// Flow:  fmt::print("{}", json_schema());   // `fairing schema`: JSON Schema, draft 2020-12
//        markdown();                        // docs/reference/configuration.md
//        effective_json(c);                 // GET /v1/config and `validate --json`; secrets are
//        "***"
#pragma once

#include <string>

#include "app/config/config.hpp"
#include "app/config/diagnostic.hpp"

namespace fairing::config {

[[nodiscard]] std::string json_schema();
[[nodiscard]] std::string markdown();
// What is in force, defaults included: one object, of the same shape as the file.
[[nodiscard]] std::string effective_json(const config& c);
// [{"file":..,"line":..,"column":..,"key":..,"message":..}]
[[nodiscard]] std::string to_json(const diagnostics& list);

}  // namespace fairing::config
