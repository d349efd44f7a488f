// schema_set: the rows whose text means more than one member: listen addresses, upstreams, matches,
// keys of limits.
//
// Every function answers "" when the value is good, else why not and what to write instead. None
// repeats the value itself: it may come from a secret.
#pragma once

#include <string>

#include "app/config/schema.hpp"

namespace fairing::config::detail {

[[nodiscard]] std::string check_listen(const value& v);
[[nodiscard]] std::string check_listen_or_off(const value& v);
[[nodiscard]] std::string check_networks(const value& v);
[[nodiscard]] std::string check_field_names(const value& v);
[[nodiscard]] std::string check_host(const value& v);
[[nodiscard]] std::string check_token(const value& v);

[[nodiscard]] binding bind_listen();
[[nodiscard]] binding bind_admin_listen();
[[nodiscard]] binding bind_upstream_url();
[[nodiscard]] binding bind_match();
[[nodiscard]] binding bind_rate_key();
[[nodiscard]] binding bind_principal();

// The rows of the sql plane (schema_table_sql.cpp).
[[nodiscard]] std::vector<field> sql_rows();
// The rows of the jobs plane (schema_table_jobs.cpp).
[[nodiscard]] std::vector<field> jobs_rows();

}  // namespace fairing::config::detail
