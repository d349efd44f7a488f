#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {

std::string_view reader::cstring() noexcept {
  if (left() == 0) {
    fail(error_ == errc::ok ? errc::missing_terminator : error_);
    return {};
  }
  const auto* nul = static_cast<const char*>(std::memchr(p_, 0, left()));
  if (nul == nullptr) {
    fail(errc::missing_terminator);
    return {};
  }
  const std::string_view text(p_, static_cast<std::size_t>(nul - p_));
  p_ = nul + 1;
  return text;
}

value_view reader::value() noexcept {
  const auto length = static_cast<std::int32_t>(u32());
  if (error_ != errc::ok) return {};
  if (length == -1) return {{}, true};
  if (length < 0) {
    fail(errc::bad_value_length);
    return {};
  }
  return {bytes(static_cast<std::size_t>(length)), false};
}

value_list reader::values(std::size_t count) noexcept {
  const char* first = p_;
  for (std::size_t i = 0; i < count && error_ == errc::ok; ++i) static_cast<void>(value());
  if (error_ != errc::ok) return {};
  return {{first, static_cast<std::size_t>(p_ - first)}, count};
}

oid_list reader::oids(std::size_t count) noexcept {
  const auto list = bytes(4 * count);
  return error_ == errc::ok ? oid_list{list, count} : oid_list{};
}

text_list reader::texts(std::size_t count) noexcept {
  const char* first = p_;
  for (std::size_t i = 0; i < count && error_ == errc::ok; ++i) static_cast<void>(cstring());
  if (error_ != errc::ok) return {};
  return {{first, static_cast<std::size_t>(p_ - first)}, count};
}

format_codes reader::formats() noexcept {
  const std::size_t count = u16();
  const auto list = bytes(2 * count);
  if (error_ != errc::ok) return {};
  const format_codes codes{list, count};
  for (std::size_t i = 0; i < count; ++i)
    if (codes[i] != 0 && codes[i] != 1) {
      fail(errc::bad_format_code);
      return {};
    }
  return codes;
}

}  // namespace fairing::codec::pgwire
