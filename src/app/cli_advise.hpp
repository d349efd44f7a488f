// cli_advise: the words of `fairing advise`, and its call.
//
// Flow:  add_advise_options(verb, o.advise);   complete_advise(o);   return advise_answer(o);
// Threads: one; the call blocks until the database has answered.
#pragma once

#include <optional>
#include <string>

#include "app/cli_options.hpp"
#include "app/cli_render.hpp"

namespace CLI {
class App;
}

namespace fairing::app {

inline constexpr const char* advise_doc =
    "Which indexes a PostgreSQL, MySQL or MariaDB lacks or has in vain, tried on its planner. "
    "Changes nothing.";

void add_advise_options(CLI::App& v, advise::advise_options& o);

// What is wrong with them; nullopt if nothing is. Takes over the flags common to all verbs.
[[nodiscard]] std::optional<std::string> complete_advise(options& o);

[[nodiscard]] answer advise_answer(const options& o);

}  // namespace fairing::app
