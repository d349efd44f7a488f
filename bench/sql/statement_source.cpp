#include "bench/sql/statement_source.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include "bench/sql/messages.hpp"

namespace fairing::bench {
namespace {

constexpr std::string_view placeholder = "{r}";
constexpr std::string_view statement_name = "P0_0";  // pgbench's: the same on every connection

}  // namespace

statement_source::statement_source(const statement_plan& plan)
    : plan_(plan), random_(plan.seed * 0x9e3779b97f4a7c15ULL | 1) {
  const auto at = plan.text.find(placeholder);
  numbered_ = at != std::string::npos;
  if (plan.how == protocol::simple) {
    before_ = plan.text.substr(0, at);
    after_ = numbered_ ? plan.text.substr(at + placeholder.size()) : std::string();
    after_.push_back('\0');
    return;
  }
  auto text = plan.text;
  if (numbered_) text.replace(at, placeholder.size(), "$1");
  std::string parse;
  std::string body;
  put_text(body, plan.how == protocol::prepared ? statement_name : "");
  put_text(body, text);
  put_u16(body, 0);  // no types told
  append_message(parse, 'P', body);
  if (plan.how == protocol::prepared) {
    preparation_ = parse;
    append_message(preparation_, 'S', {});
  } else {
    before_ = parse;
  }
  append_message(after_, 'D', std::string_view("P\0", 2));
  append_message(after_, 'E', std::string_view("\0\0\0\0\0", 5));
  append_message(after_, 'S', {});
}

void statement_source::append_next(std::string& out) {
  std::array<char, 12> digits;
  std::string_view number;
  if (numbered_) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), next_number());
    number = {digits.data(), static_cast<std::size_t>(end.ptr - digits.data())};
  }
  if (plan_.how == protocol::simple) {
    out.push_back('Q');
    put_u32(out, static_cast<std::uint32_t>(4 + before_.size() + number.size() + after_.size()));
    out += before_;
    out += number;
    out += after_;
    return;
  }
  out += before_;
  const std::string_view name = plan_.how == protocol::prepared ? statement_name : "";
  const std::size_t parameter = numbered_ ? 4 + number.size() : 0;
  out.push_back('B');
  put_u32(out, static_cast<std::uint32_t>(4 + 1 + name.size() + 1 + 2 + 2 + parameter + 4));
  put_text(out, "");  // the portal
  put_text(out, name);
  put_u16(out, 0);  // parameters are text
  put_u16(out, numbered_ ? 1 : 0);
  if (numbered_) {
    put_u32(out, static_cast<std::uint32_t>(number.size()));
    out += number;
  }
  put_u16(out, 1);  // one format for all columns:
  put_u16(out, 0);  // text
  out += after_;
}

// xorshift64* (Marsaglia; Vigna 2014).
std::uint32_t statement_source::next_number() noexcept {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  const auto high = (random_ * 0x2545f4914f6cdd1dULL) >> 32;
  return static_cast<std::uint32_t>((high * plan_.range) >> 32) + 1;
}

}  // namespace fairing::bench
