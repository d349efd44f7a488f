#include "jobs/logic/job.hpp"

#include <array>

#include "jobs/logic/store.hpp"

namespace fairing::jobs {

namespace {

constexpr std::array<std::string_view, job_state_count> state_words{
    "queued", "scheduled", "leased", "done", "dead", "cancelled"};

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
constexpr std::size_t id_length = 13;

// Also reads small letters, and o, i, l as what they were meant to be.
int digit_of(char c) noexcept {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const auto at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

void append(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 5) out += digits[(value >> shift) & 31];
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  if (text.size() != id_length) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = digit_of(text[i]);
    // 13 digits hold 65 bits: the first one has four.
    if (digit < 0 || (i == 0 && digit > 15)) return std::nullopt;
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "jobs"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::not_found:
        return "no such job, queue or lease";
      case errc::conflict:
        return "the job's state does not allow it, or the name is taken";
      case errc::stale_lease:
        return "the lease is over: the job was leased again or has finished since; drop what was "
               "done for it";
      case errc::full:
        return "the job store has no room: let workers catch up, free disk space or raise the "
               "limit";
      case errc::too_large:
        return "the payload is over the queue's limit: store it elsewhere and enqueue where it is";
      case errc::unsupported:
        return "the job store cannot do that";
      case errc::bad_request:
        return "a value cannot be meant like that";
      case errc::fenced:
        return "the job store failed while it wrote; nothing is taken until it has been opened "
               "again";
      case errc::store_failed:
        return "the job store failed";
      case errc::overloaded:
        return "too many requests wait for the job store: come back later";
      case errc::standby:
        return "another instance has the job store; this one takes over when that ends";
      case errc::unknown_outcome:
        return "the job store was lost during a commit: whether this was done is not known";
    }
    return "unknown error of the jobs plane";
  }
};

}  // namespace

const std::error_category& jobs_category() noexcept {
  static const category instance;
  return instance;
}

std::string_view to_string(job_state s) noexcept {
  return state_words[static_cast<std::size_t>(s)];
}

std::optional<job_state> job_state_from(std::string_view word) noexcept {
  for (std::size_t i = 0; i < state_words.size(); ++i)
    if (state_words[i] == word) return static_cast<job_state>(i);
  return std::nullopt;
}

std::string id_text(job_id id) {
  std::string out;
  out.reserve(id_length);
  append(out, id);
  return out;
}

std::optional<job_id> id_from(std::string_view text) noexcept { return number(text); }

std::string token_text(const lease_token& t) {
  std::string out;
  out.reserve(2 * id_length);
  append(out, t.job);
  append(out, t.secret);
  return out;
}

std::optional<lease_token> token_from(std::string_view text) noexcept {
  if (text.size() != 2 * id_length) return std::nullopt;
  const auto id = number(text.substr(0, id_length));
  const auto secret = number(text.substr(id_length));
  if (!id || !secret) return std::nullopt;
  return lease_token{*id, *secret};
}

std::string_view trace_of(std::string_view traceparent) noexcept {
  // 00-TRACEID-SPANID-FLAGS
  return traceparent.size() >= 55 && traceparent[2] == '-' && traceparent[35] == '-'
             ? traceparent.substr(3, 32)
             : std::string_view{};
}

namespace {
bool is_message(const job& j) noexcept { return j.content_type == "message/http"; }
}  // namespace

std::string_view visible_payload(const job& j) noexcept {
  const std::string_view all = j.payload;
  return is_message(j) ? all.substr(0, all.find("\r\n")) : all;
}

bool is_kept_request(const job& j) noexcept { return is_message(j) && !j.owner.empty(); }

}  // namespace fairing::jobs
