// cron: when a schedule of five fields comes next, in a time zone.
//
// Problem: people write "30 2 * * 1-5" and mean their wall clock, which has a night with that time twice and one
// without it.
//
// Flow:  auto s = cron_schedule::parse("30 2 * * mon-fri", "Europe/Berlin");
//        auto next = s->next_after(wall_ms);          // the first time after that; nullopt: never (30 February)
// Fields: minute hour day-of-month month day-of-week; each * or a list of N, N-M, with /STEP behind * or a range; names
// of months and days of three letters; 0 and 7 are Sunday. @hourly @daily @midnight @weekly @monthly @yearly @annually.
// If day-of-month and day-of-week are both restricted either is enough, as in Vixie cron.
// Daylight saving: a schedule with hours of its own runs once a day it names: a time that is skipped runs at the moment
// the clocks go forward, one that comes twice runs the first time. A schedule with * or */N as hour follows elapsed
// time: skipped times are not made up for, both of a doubled hour count.
// Time zones: the system's database (tzdata), by Howard Hinnant's date library.
// Threads: any. Cost: a look-up is some microseconds; a year's search at most a millisecond.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace date {
class time_zone;
}

namespace fairing::jobs {

class cron_schedule {
 public:
  // errc::bad_request names the field and what it should be, or the zone.
  [[nodiscard]] static result<cron_schedule> parse(std::string_view text, std::string_view zone);
  // Milliseconds since 1970 in and out; the answer is a whole minute, later than `wall_ms`.
  [[nodiscard]] std::optional<std::int64_t> next_after(std::int64_t wall_ms) const;

 private:
  [[nodiscard]] bool day_matches(unsigned month, unsigned day, unsigned weekday) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> next_of_day(std::int64_t local_day,
                                                        std::int64_t after_s) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool any_hour_ = false;  // * or */N: follows elapsed time
  bool any_day_ = false;
  bool any_weekday_ = false;
  const date::time_zone* zone_ = nullptr;
};

}  // namespace fairing::jobs
