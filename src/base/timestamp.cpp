#include "base/timestamp.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace fairing {

std::int64_t unix_ms() noexcept {
  timespec ts{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000;
}

void append_rfc3339(std::string& out, std::int64_t unix_milliseconds) {
  using namespace std::chrono;
  constexpr std::int64_t first = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
  constexpr std::int64_t last = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z
  const sys_time<milliseconds> time{milliseconds{std::clamp(unix_milliseconds, first, last)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};

  char text[] = "0000-00-00T00:00:00.000Z";
  const auto put = [&](std::size_t end, unsigned value) {  // digits, right to left
    for (; value != 0; value /= 10) text[end--] = static_cast<char>('0' + value % 10);
  };
  put(3, static_cast<unsigned>(static_cast<int>(date.year())));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, static_cast<unsigned>(clock.hours().count()));
  put(15, static_cast<unsigned>(clock.minutes().count()));
  put(18, static_cast<unsigned>(clock.seconds().count()));
  put(22, static_cast<unsigned>(clock.subseconds().count()));
  out.append(text, sizeof text - 1);
}

}  // namespace fairing
