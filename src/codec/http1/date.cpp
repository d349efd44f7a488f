#include "codec/http1/date.hpp"

#include <optional>

#include "base/ascii.hpp"

namespace fairing::codec::http1 {
namespace {

constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::array<std::string_view, 7> long_day_names = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

// A two-digit year from 76 on is of the last century: RFC 9110 asks for "not more than 50 years
// ahead", which, with a clock near 2026, is this. Only RFC 850 dates, obsolete since 1989, have
// such years.
constexpr int century_pivot = 76;

// Takes parts off the front of a text; once one does not fit, all later ones fail too.
class taker {
 public:
  explicit taker(std::string_view text) noexcept : text_(text) {}

  void literal(std::string_view expected) noexcept {
    ok_ = ok_ && text_.size() >= expected.size() &&
          iequals(text_.substr(0, expected.size()), expected);
    if (ok_) text_.remove_prefix(expected.size());
  }
  int digits(std::size_t count) noexcept {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      ok_ = ok_ && i < text_.size() && text_[i] >= '0' && text_[i] <= '9';
      if (!ok_) return 0;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  // The index of the three-letter name in `names`.
  int name(std::string_view names) noexcept {
    for (std::size_t i = 0; ok_ && text_.size() >= 3 && i < names.size(); i += 3)
      if (iequals(text_.substr(0, 3), names.substr(i, 3))) {
        text_.remove_prefix(3);
        return static_cast<int>(i / 3);
      }
    ok_ = false;
    return 0;
  }
  // " 6" or "16", as asctime pads it.
  int padded_day() noexcept {
    if (!text_.empty() && text_.front() == ' ') {
      text_.remove_prefix(1);
      return digits(1);
    }
    return digits(2);
  }
  [[nodiscard]] bool finished() const noexcept { return ok_ && text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

struct parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void take_time(taker& in, parts& p) noexcept {
  p.hour = in.digits(2);
  in.literal(":");
  p.minute = in.digits(2);
  in.literal(":");
  p.second = in.digits(2);
}

std::optional<wall_time> to_time(const parts& p) noexcept {
  namespace ch = std::chrono;
  const auto date = ch::year{p.year} / ch::month{static_cast<unsigned>(p.month + 1)} /
                    ch::day{static_cast<unsigned>(p.day)};
  // 60 is a leap second.
  if (!date.ok() || p.year == 0 || p.hour > 23 || p.minute > 59 || p.second > 60)
    return std::nullopt;
  return ch::sys_days{date} + ch::hours{p.hour} + ch::minutes{p.minute} + seconds{p.second};
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<wall_time> parse_imf(std::string_view text) noexcept {
  taker in(text);
  parts p;
  in.name(day_names);
  in.literal(", ");
  p.day = in.digits(2);
  in.literal(" ");
  p.month = in.name(month_names);
  in.literal(" ");
  p.year = in.digits(4);
  in.literal(" ");
  take_time(in, p);
  in.literal(" GMT");
  return in.finished() ? to_time(p) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<wall_time> parse_rfc850(std::string_view text, std::size_t comma) noexcept {
  bool named = false;
  for (auto day : long_day_names) named = named || iequals(text.substr(0, comma), day);
  if (!named) return std::nullopt;
  taker in(text.substr(comma));
  parts p;
  in.literal(", ");
  p.day = in.digits(2);
  in.literal("-");
  p.month = in.name(month_names);
  in.literal("-");
  p.year = in.digits(2);
  p.year += p.year < century_pivot ? 2000 : 1900;
  in.literal(" ");
  take_time(in, p);
  in.literal(" GMT");
  return in.finished() ? to_time(p) : std::nullopt;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<wall_time> parse_asctime(std::string_view text) noexcept {
  taker in(text);
  parts p;
  in.name(day_names);
  in.literal(" ");
  p.month = in.name(month_names);
  in.literal(" ");
  p.day = in.padded_day();
  in.literal(" ");
  take_time(in, p);
  in.literal(" ");
  p.year = in.digits(4);
  return in.finished() ? to_time(p) : std::nullopt;
}

void put_digits(char* at, int count, int value) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<wall_time> parse_date(std::string_view text) noexcept {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return parse_asctime(text);
  return comma == 3 ? parse_imf(text) : parse_rfc850(text, comma);
}

std::array<char, 29> format_date(wall_time t) noexcept {
  namespace ch = std::chrono;
  // Four digits are all the format has: what lies outside is written as its nearest date.
  constexpr wall_time first = ch::sys_days{ch::year{1} / 1 / 1};
  constexpr wall_time last = wall_time{ch::sys_days{ch::year{10000} / 1 / 1}} - seconds{1};
  t = t < first ? first : t > last ? last : t;
  const auto day = ch::floor<ch::days>(t);
  const ch::year_month_day date{day};
  const ch::hh_mm_ss time{t - day};
  const auto month = static_cast<std::size_t>(static_cast<unsigned>(date.month())) - 1;

  std::array<char, 29> out;
  constexpr std::string_view pattern = "Sun, 06 Nov 1994 08:49:37 GMT";
  pattern.copy(out.data(), out.size());
  day_names.substr(ch::weekday{day}.c_encoding() * 3, 3).copy(out.data(), 3);
  put_digits(out.data() + 5, 2, static_cast<int>(static_cast<unsigned>(date.day())));
  month_names.substr(month * 3, 3).copy(out.data() + 8, 3);
  put_digits(out.data() + 12, 4, static_cast<int>(date.year()));
  put_digits(out.data() + 17, 2, static_cast<int>(time.hours().count()));
  put_digits(out.data() + 20, 2, static_cast<int>(time.minutes().count()));
  put_digits(out.data() + 23, 2, static_cast<int>(time.seconds().count()));
  return out;
}

}  // namespace fairing::codec::http1
