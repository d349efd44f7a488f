#include "jobs/logic/push_verdict.hpp"

#include <algorithm>
#include <charconv>

#include "codec/http1/date.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t longest_excerpt = 200;
constexpr milliseconds longest_retry_after{86'400'000};

push_end end_of(std::uint16_t status) noexcept {
  if (status == 202) return push_end::later;
  if (status >= 200 && status < 300) return push_end::done;
  const bool passes = status == 408 || status == 409 || status == 425 || status == 429;
  return status >= 400 && status < 500 && !passes ? push_end::dead : push_end::retry;
}

push_strain strain_of(std::uint16_t status) noexcept {
  if (status >= 200 && status < 300) return push_strain::fine;
  // 502 to 504: what stands before the worker cannot reach it, or not in time.
  const bool slow_down = status == 429 || (status >= 502 && status <= 504);
  return slow_down ? push_strain::strained : push_strain::neutral;
}

// The first of the body, on one line: what a person looks for first.
std::string excerpt(std::string_view body) {
  std::string out;
  for (const char c : body.substr(0, longest_excerpt)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && (out.back() == ' ' || static_cast<unsigned char>(out.back()) >= 0x80))
    out.pop_back();  // a character of UTF-8 may have been cut
  return out;
}

}  // namespace

std::string_view to_string(push_end e) noexcept {
  switch (e) {
    case push_end::done:
      return "done";
    case push_end::later:
      return "later";
    case push_end::retry:
      return "retry";
    case push_end::dead:
      return "dead";
  }
  return "retry";
}

std::optional<milliseconds> read_retry_after(std::string_view text, std::int64_t wall_ms) noexcept {
  std::uint64_t count = 0;
  const auto* const end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, count);
  const bool digits = !text.empty() && r.ptr == end;
  if (digits && r.ec == std::errc::result_out_of_range) return longest_retry_after;
  if (digits && r.ec == std::errc{})
    return milliseconds{1000 * static_cast<std::int64_t>(std::min<std::uint64_t>(count, 86'400))};
  const auto date = codec::http1::parse_date(text);
  if (!date) return std::nullopt;
  const milliseconds at = date->time_since_epoch();
  return std::clamp(at - milliseconds{wall_ms}, milliseconds{0}, longest_retry_after);
}

push_judgement judge(const push_answer& a, std::int64_t wall_ms) {
  push_judgement out;
  if (a.fault != push_fault::none) {
    out.strain = a.fault == push_fault::absent    ? push_strain::absent
                 : a.fault == push_fault::timeout ? push_strain::strained
                                                  : push_strain::neutral;
    out.error = a.detail;
    return out;
  }
  out.what = end_of(a.status);
  out.strain = strain_of(a.status);
  if (out.what == push_end::retry) out.not_before = read_retry_after(a.retry_after, wall_ms);
  if (out.what != push_end::retry && out.what != push_end::dead) return out;
  out.error = "the push target answered " + std::to_string(a.status);
  if (const auto said = excerpt(a.body); !said.empty()) out.error += ": " + said;
  return out;
}

}  // namespace fairing::jobs
