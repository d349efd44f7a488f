#include "app/config/jobs_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/config/address.hpp"
#include "app/config/version.hpp"
#include "jobs/logic/cron.hpp"

namespace fairing::config::detail {

namespace {

bool is_word_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string check_queue_name(const value& v) {
  const auto& name = std::get<std::string>(v);
  if (!name.empty() && name.size() <= 80 && std::ranges::all_of(name, is_word_char)) return {};
  return "a name has 1 to 80 characters of A-Z a-z 0-9 . _ -";
}

std::string check_store(const value& v) {
  const auto& text = std::get<std::string>(v);
  if (text.starts_with("sqlite:") && text.size() > 7) return {};
  for (const auto* later : {"postgres:", "postgresql:", "redis:", "amqp:", "kafka:", "sqs:"})
    if (text.starts_with(later))
      return fmt::format("that store is not in this version of Fairing ({}); write sqlite:PATH",
                         version);
  return "is no store; write sqlite:PATH, as in sqlite:fairing-jobs.db";
}

std::string check_schedule(const value& v) {
  const auto parsed = jobs::cron_schedule::parse(std::get<std::string>(v), "UTC");
  return parsed ? std::string() : parsed.error().message();
}

std::string check_zone(const value& v) {
  const auto parsed = jobs::cron_schedule::parse("@daily", std::get<std::string>(v));
  return parsed ? std::string() : parsed.error().message();
}

}  // namespace fairing::config::detail
