// jobs_words: checks of the texts in the jobs section: names of queues, stores, schedules, names of AWS.
//
// Every function answers "" when the value is good, else why not and what to write instead. Pure.
#pragma once

#include <string>
#include <string_view>

#include "app/config/value.hpp"

namespace fairing::config::detail {

[[nodiscard]] std::string check_queue_name(const value& v);
// `out`: the store as the plane opens it; of a URL its plain form.
[[nodiscard]] std::string read_store(std::string_view text, std::string& out);
[[nodiscard]] bool is_postgres_store(std::string_view text) noexcept;
[[nodiscard]] std::string check_schedule(const value& v);
[[nodiscard]] std::string check_cron_payload(const value& v);
[[nodiscard]] std::string check_zone(const value& v);
[[nodiscard]] std::string check_access_key_id(const value& v);
[[nodiscard]] std::string check_access_key_secret(const value& v);
[[nodiscard]] std::string check_sqs_url(const value& v);
[[nodiscard]] std::string check_region(const value& v);
[[nodiscard]] std::string check_account(const value& v);
[[nodiscard]] std::string check_push(const value& v);
[[nodiscard]] std::string check_secret(const value& v);

}  // namespace fairing::config::detail
