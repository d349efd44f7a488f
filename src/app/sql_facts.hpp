// sql_facts: what the checklist is told of the sql plane: its templates, loops, pools and limits as plain evidence.
//
// Threads: any but a core's: it asks the cores.
#pragma once

#include "app/advise/live_advisor.hpp"
#include "checklist/sql_evidence.hpp"
#include "sql/session/plane.hpp"

namespace fairing::app {

[[nodiscard]] checklist::sql_evidence evidence_of(const sql::sql_plane& plane,
                                                  const advise::live_advice& advice);

}  // namespace fairing::app
