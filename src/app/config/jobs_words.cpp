#include "app/config/jobs_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/config/address.hpp"
#include "app/config/postgres_url.hpp"
#include "base/json_scan.hpp"
#include "base/version.hpp"
#include "jobs/logic/cron.hpp"
#include "jobs/logic/push_url.hpp"
#include "jobs/logic/webhook.hpp"

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

bool is_postgres_store(std::string_view text) noexcept {
  return text.starts_with("postgres:") || text.starts_with("postgresql:");
}

std::string read_store(std::string_view text, std::string& out) {
  out = text;
  // A URL's two slashes would be the file //PATH.
  if (text.starts_with("sqlite://") && !text.starts_with("sqlite:///"))
    return fmt::format("a file has no host; write sqlite:{0}, or sqlite:/{0} from the root on",
                       text.substr(9));
  if (text.starts_with("sqlite:") && text.size() > 7) return {};
  if (is_postgres_store(text)) {
    std::string problem;
    const auto parsed = parse_postgres_url(text, problem);
    if (!parsed) return problem.starts_with('`') ? problem : "it " + problem;
    out = to_text(parsed->upstream, password_shown::whole);
    return {};
  }
  for (const auto* later : {"redis:", "amqp:", "kafka:", "sqs:"})
    if (text.starts_with(later))
      return fmt::format(
          "that store is not in this version of Fairing ({}); write sqlite:PATH or postgres://...",
          version);
  return "it is no store; write sqlite:PATH, as in sqlite:fairing-jobs.db, or "
         "postgres://USER:PASSWORD@HOST/DATABASE";
}

std::string check_schedule(const value& v) {
  const auto parsed = jobs::cron_schedule::parse(std::get<std::string>(v), "UTC");
  return parsed ? std::string() : parsed.error().message();
}

std::string check_cron_payload(const value& v) {
  if (json_valid(std::get<std::string>(v))) return {};
  return "is not JSON; write it in quotation marks, as in '{\"kind\": \"daily\"}', and a text as "
         "'\"daily\"'";
}

std::string check_access_key_id(const value& v) {
  const auto& id = std::get<std::string>(v);
  const auto fits = [](char c) { return is_word_char(c) && c != '.' && c != '-'; };
  if (!id.empty() && id.size() <= 128 && std::ranges::all_of(id, fits)) return {};
  return "an access key id has 1 to 128 characters of A-Z a-z 0-9 _, as in AKIAEXAMPLE";
}

std::string check_access_key_secret(const value& v) {
  const auto& secret = std::get<std::string>(v);
  const auto fits = [](char c) { return c > ' ' && c < '\x7f'; };
  if (secret.size() >= 16 && secret.size() <= 128 && std::ranges::all_of(secret, fits)) return {};
  return "a secret access key has 16 to 128 characters and no space; `openssl rand -base64 30` "
         "makes a good one";
}

std::string check_sqs_url(const value& v) {
  std::string_view rest = std::get<std::string>(v);
  for (const std::string_view scheme : {"https://", "http://"})
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
      const auto fits = [](char c) { return is_word_char(c) || c == ':' || c == '[' || c == ']'; };
      if (!rest.empty() && std::ranges::all_of(rest, fits)) return {};
    }
  return "is no scheme and host; write it as in https://sqs.example.com, without a path";
}

std::string check_region(const value& v) {
  const auto& name = std::get<std::string>(v);
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!name.empty() && name.size() <= 40 && std::ranges::all_of(name, fits)) return {};
  return "a region has 1 to 40 characters of a-z 0-9 -, as in us-east-1";
}

std::string check_account(const value& v) {
  const auto& digits = std::get<std::string>(v);
  const auto fits = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.size() == 12 && std::ranges::all_of(digits, fits)) return {};
  return "an account has 12 digits, in quotation marks: \"000000000000\"";
}

std::string check_zone(const value& v) {
  const auto parsed = jobs::cron_schedule::parse("@daily", std::get<std::string>(v));
  return parsed ? std::string() : parsed.error().message();
}

std::string check_push(const value& v) {
  const auto parsed = jobs::parse_push_url(std::get<std::string>(v));
  return parsed ? std::string() : parsed.error().message();
}

std::string check_secret(const value& v) {
  const auto parsed = jobs::webhook_keys::parse(std::get<std::string>(v));
  return parsed ? std::string() : parsed.error().message();
}

}  // namespace fairing::config::detail
