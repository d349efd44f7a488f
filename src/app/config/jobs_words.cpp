#include "app/config/jobs_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/config/address.hpp"
#include "app/config/version.hpp"

namespace fairing::config::detail {

namespace {

constexpr std::size_t least_secret = 24;  // bytes, as Standard Webhooks asks for

bool is_word_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '_' || c == '-';
}

bool is_secret(std::string_view s) noexcept {
  if (!s.starts_with("whsec_")) return false;
  s.remove_prefix(6);
  while (s.ends_with('=')) s.remove_suffix(1);
  return s.size() * 3 / 4 >= least_secret && std::ranges::all_of(s, [](char c) {
           return (is_word_char(c) && c != '.' && c != '_' && c != '-') || c == '+' || c == '/';
         });
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

std::string check_push(const value& v) {
  const auto& url = std::get<std::string>(v);
  if (url.empty()) return {};
  std::string problem;
  if ((url.starts_with("http://") || url.starts_with("https://")) && parse_upstream(url, problem))
    return {};
  return problem.empty() ? "is no URL; write http://HOST:PORT/PATH or https://..." : problem;
}

std::string check_secrets(const value& v) {
  const std::string_view text = std::get<std::string>(v);
  if (text.empty()) return {};
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at && !is_secret(text.substr(at, end - at)))
      return "a secret is whsec_ and at least 24 bytes in base64, as `openssl rand -base64 32` "
             "makes them; several are separated by blanks";
    at = end + 1;
  }
  return {};
}

std::string check_account(const value& v) {
  const auto& text = std::get<std::string>(v);
  if (text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return {};
  return "an account is 12 digits";
}

}  // namespace fairing::config::detail
