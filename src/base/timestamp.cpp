#include "base/timestamp.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace fairing {
namespace {

// Reads digits of fixed places; a fault is remembered.
class digit_reader {
 public:
  explicit digit_reader(std::string_view text) noexcept : text_(text) {}
  int number(std::size_t places) noexcept {
    int n = 0;
    for (std::size_t i = 0; i < places; ++i) {
      const char c = next();
      if (c < '0' || c > '9') bad_ = true;
      n = n * 10 + (c - '0');
    }
    return n;
  }
  void expect(std::string_view any_of) noexcept {
    if (any_of.find(next()) == std::string_view::npos) bad_ = true;
  }
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  char next() noexcept { return at_ < text_.size() ? text_[at_++] : '\0'; }
  [[nodiscard]] bool whole() const noexcept { return !bad_ && at_ == text_.size(); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool bad_ = false;
};

}  // namespace

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

std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept {
  using namespace std::chrono;
  digit_reader in(text);
  const int y = in.number(4);
  in.expect("-");
  const int m = in.number(2);
  in.expect("-");
  const int d = in.number(2);
  in.expect("Tt ");
  const int hour = in.number(2);
  in.expect(":");
  const int minute = in.number(2);
  in.expect(":");
  const int second = in.number(2);
  int ms = 0;
  if (in.peek() == '.') {
    in.next();
    int scale = 100;
    if (in.peek() < '0' || in.peek() > '9') return std::nullopt;
    for (; in.peek() >= '0' && in.peek() <= '9'; scale /= 10) ms += (in.next() - '0') * scale;
  }
  int offset = 0;  // minutes east
  const char zone = in.next();
  if (zone == '+' || zone == '-') {
    offset = in.number(2) * 60;
    in.expect(":");
    offset += in.number(2);
    if (zone == '-') offset = -offset;
  } else if (zone != 'Z' && zone != 'z') {
    return std::nullopt;
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)},
                            day{static_cast<unsigned>(d)}};
  if (!in.whole() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto at = sys_days{date} + hours{hour} + minutes{minute - offset} + seconds{second};
  return duration_cast<milliseconds>(at.time_since_epoch()).count() + ms;
}

}  // namespace fairing
