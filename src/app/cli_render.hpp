// cli_render: answers of the admin API as text for a terminal.
//
// Pure: JSON in, text and exit code out. What peers sent (URLs, reasons) is stripped of control
// characters, so that it cannot move the terminal's cursor. A field that is missing or of another
// type is left out, never an error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace fairing::app {

struct answer {
  int code = 0;
  std::string out;  // for stdout
  std::string err;  // for stderr
};

[[nodiscard]] std::string printable(std::string_view text);

// Exit 1 if a point fails; with `strict` also if one warns.
[[nodiscard]] answer render_checklist(const nlohmann::json& body, bool strict, bool colour);
[[nodiscard]] int checklist_code(const nlohmann::json& body, bool strict);
[[nodiscard]] answer render_explain(const nlohmann::json& body);
[[nodiscard]] answer render_purge(const nlohmann::json& body, bool dry_run);
[[nodiscard]] answer render_reload(const nlohmann::json& body);
[[nodiscard]] answer render_bypass(const nlohmann::json& body);

}  // namespace fairing::app
