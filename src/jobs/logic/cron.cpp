#include "jobs/logic/cron.hpp"

#include <date/date.h>
#include <date/tz.h>

#include <array>
#include <chrono>
#include <exception>
#include <span>

#include "base/ascii.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs {

namespace {

using std::chrono::seconds;

constexpr std::int64_t day_s = 86'400;
constexpr int most_days = 366 * 9;  // 29 February can be 8 years off

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> day_names{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

struct field {
  std::string_view what;
  unsigned low;
  unsigned high;
  std::span<const std::string_view> names;  // of low, low + 1, ...
};
constexpr std::array<field, 5> fields{{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day of month", 1, 31, {}},
                                       {"month", 1, 12, month_names},
                                       {"day of week", 0, 7, day_names}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> words{
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};

std::optional<unsigned> value_of(std::string_view text, const field& f) {
  for (std::size_t i = 0; i < f.names.size(); ++i)
    if (iequals(text, f.names[i])) return f.low + static_cast<unsigned>(i);
  const auto n = parse_digits(text);
  if (!n || *n < f.low || *n > f.high) return std::nullopt;
  return static_cast<unsigned>(*n);
}

// One element of a list: *, N, N-M, each but N with /STEP.
template <std::size_t N>
bool add_element(std::string_view text, const field& f, std::bitset<N>& out) {
  unsigned step = 1;
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto n = parse_digits(text.substr(slash + 1));
    if (!n || *n == 0 || *n > f.high) return false;
    step = static_cast<unsigned>(*n);
    text = text.substr(0, slash);
  }
  unsigned from = f.low;
  unsigned to = f.high;
  if (text != "*") {
    const auto dash = text.find('-');
    const auto first = value_of(text.substr(0, dash), f);
    if (!first || (dash == std::string_view::npos && slash != std::string_view::npos)) return false;
    from = to = *first;
    if (dash != std::string_view::npos) {
      const auto last = value_of(text.substr(dash + 1), f);
      if (!last || *last < from) return false;
      to = *last;
    }
  } else if (f.high == 7) {
    to = 6;  // Sunday once
  }
  for (auto v = from; v <= to; v += step) out.set(v);
  return true;
}

template <std::size_t N>
result<void> parse_field(std::string_view text, const field& f, std::bitset<N>& out) {
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    if (!add_element(rest.substr(0, comma), f, out))
      return fail(errc::bad_request, "'" + std::string(text) + "' is no " + std::string(f.what) +
                                         ": *, numbers from " + std::to_string(f.low) + " to " +
                                         std::to_string(f.high) +
                                         (f.names.empty() ? "" : " or names") +
                                         ", N-M, lists, /STEP behind * or N-M");
    if (comma == std::string_view::npos) return {};
    rest = rest.substr(comma + 1);
  }
}

result<std::array<std::string_view, 5>> split(std::string_view text) {
  std::array<std::string_view, 5> out;
  std::size_t count = 0;
  while (!(text = trim_ows(text)).empty()) {
    const auto end = text.find_first_of(" \t");
    if (count == out.size()) return fail(errc::bad_request, "a schedule has five fields, not more");
    out[count++] = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end);
  }
  if (count != out.size())
    return fail(errc::bad_request,
                "a schedule has five fields (minute hour day month weekday) or is @hourly, @daily, "
                "@weekly, @monthly, @yearly");
  return out;
}

}  // namespace

result<cron_schedule> cron_schedule::parse(std::string_view text, std::string_view zone) {
  text = trim_ows(text);
  for (const auto& [word, meaning] : words)
    if (iequals(text, word)) text = meaning;
  const auto parts = split(text);
  if (!parts) return std::unexpected(parts.error());
  const auto& p = *parts;
  cron_schedule s;
  if (auto r = parse_field(p[0], fields[0], s.minutes_); !r) return std::unexpected(r.error());
  if (auto r = parse_field(p[1], fields[1], s.hours_); !r) return std::unexpected(r.error());
  if (auto r = parse_field(p[2], fields[2], s.days_); !r) return std::unexpected(r.error());
  if (auto r = parse_field(p[3], fields[3], s.months_); !r) return std::unexpected(r.error());
  if (auto r = parse_field(p[4], fields[4], s.weekdays_); !r) return std::unexpected(r.error());
  if (s.weekdays_[7]) s.weekdays_.set(0);
  s.any_hour_ = p[1].starts_with('*');
  s.any_day_ = p[2].starts_with('*');
  s.any_weekday_ = p[4].starts_with('*');
  try {  // the library throws where a name or the database is missing
    s.zone_ = date::locate_zone(std::string(zone));
  } catch (const std::exception&) {
    return fail(
        errc::bad_request,
        "'" + std::string(zone) +
            "' is no time zone of this system: a name like Europe/Berlin or UTC (Debian: tzdata)");
  }
  return s;
}

bool cron_schedule::day_matches(unsigned month, unsigned day, unsigned weekday) const noexcept {
  if (!months_[month]) return false;
  const bool by_day = days_[day];
  const bool by_weekday = weekdays_[weekday];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

// The first time after `after_s` that this local day has; days since 1970, seconds.
std::optional<std::int64_t> cron_schedule::next_of_day(std::int64_t local_day,
                                                       std::int64_t after_s) const {
  std::optional<std::int64_t> best;
  const auto offer = [&](std::int64_t at) {
    if (at > after_s && (!best || at < *best)) best = at;
  };
  // Most days have one offset from UTC throughout: then the first time in order is the answer.
  const date::local_seconds begin{seconds{local_day * day_s}};
  const auto first = zone_->get_info(begin);
  const auto last = zone_->get_info(begin + seconds{day_s - 1});
  const bool even =
      first.result == date::local_info::unique && last.result == date::local_info::unique &&
      first.first.offset == last.first.offset && first.first.begin == last.first.begin;
  for (unsigned hour = 0; hour < 24; ++hour) {
    if (!hours_[hour]) continue;
    for (unsigned minute = 0; minute < 60; ++minute) {
      if (!minutes_[minute]) continue;
      const auto local = local_day * day_s + hour * 3600 + minute * 60;
      if (even) {
        offer(local - first.first.offset.count());
        if (best) return best;
        continue;
      }
      const auto info = zone_->get_info(date::local_seconds{seconds{local}});
      if (info.result == date::local_info::nonexistent) {
        if (!any_hour_) offer(info.first.end.time_since_epoch().count());
        continue;
      }
      offer(local - info.first.offset.count());
      if (info.result == date::local_info::ambiguous && any_hour_)
        offer(local - info.second.offset.count());
    }
  }
  return best;
}

std::optional<std::int64_t> cron_schedule::next_after(std::int64_t wall_ms) const {
  const auto after_s = wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000;
  try {  // get_info may read a zone's file at its first call
    const auto local = zone_->to_local(date::sys_seconds{seconds{after_s}});
    // From the day before: clocks that go back over midnight make it come again.
    auto day = date::floor<date::days>(local) - date::days{1};
    for (int i = 0; i < most_days; ++i, day += date::days{1}) {
      const date::year_month_day ymd{day};
      const auto weekday = date::weekday{day}.c_encoding();
      if (!day_matches(static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                       weekday))
        continue;
      if (const auto at = next_of_day(day.time_since_epoch().count(), after_s); at)
        return *at * 1000;
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace fairing::jobs
