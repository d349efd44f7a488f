// sql_advice: ties the live index advice to the sql plane: what it may ask, and what is told of it.
//
// Flow:  auto a = advise_live(plane);                  // a thread; null is never returned
//        indexes_json(*a->latest(), 50)                // GET /v1/indexes
//        fit_of(*a->latest(), plane.config(), pool_size)
// Lifecycle: the advisor asks the plane's cores: it is to be gone before these stop.
// Threads: any but a core's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/advise/live_advisor.hpp"
#include "metrics/registry.hpp"
#include "pool/pool_size.hpp"
#include "sql/session/plane.hpp"

namespace fairing::app {

[[nodiscard]] std::unique_ptr<advise::live_advisor> advise_live(const sql::sql_plane& plane);

// fairing_index_advice_*: for as long as the guards live, which the advisor must outlive.
[[nodiscard]] std::vector<metrics::registry::guard> advice_metrics(metrics::registry& r,
                                                                   const advise::live_advisor& a);

// On which connection the advice may be had; `url` is empty and `why_off` says why where there is none. Of the
// pools comes the database where sql.upstream names none.
[[nodiscard]] advise::live_settings advice_settings(const sql::sql_config& c,
                                                    const std::vector<sql::pool_report>& pools);

// {"items":[...],"next":null,"rejected":..}: what the last round found.
[[nodiscard]] std::string indexes_json(const advise::live_advice& a, std::size_t limit);

// What is known of the tables that the statement names: only if it runs in the database that was looked at, and nowhere
// else.
void tell_tables(const advise::live_advice& a, sql::template_row& r);

// nullopt: max_connections is not known yet.
[[nodiscard]] std::optional<pool::size_verdict> fit_of(
    const std::optional<advise::connection_room>& room, const sql::sql_config& c,
    std::uint32_t size);

}  // namespace fairing::app
