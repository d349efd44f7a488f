#include "codec/pgwire/frame_scanner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {
namespace {

constexpr char ready_type = static_cast<char>(server_type::ready_for_query);
constexpr char row_type = static_cast<char>(server_type::data_row);

bool is_status(char c) noexcept { return c == 'I' || c == 'T' || c == 'E'; }

}  // namespace

void frame_scanner::refuse(errc e, char type, std::uint32_t length) noexcept {
  error_ = e;
  header_[0] = type;
  bad_length_ = length;
}

bool frame_scanner::admit(char type, std::uint32_t length) noexcept {
  const auto& rule = (*rules_)[static_cast<unsigned char>(type)];
  if (length >= rule.min_length && length <= rule.max_length) [[likely]]
    return true;
  if (rule.bit == 0)
    refuse(errc::unknown_type, type, length);
  else
    refuse(length < rule.min_length ? errc::length_too_small : errc::length_too_large, type,
           length);
  return false;
}

bool frame_scanner::good_end(char type, char last) noexcept {
  if (type != ready_type || direction_ != direction::from_server || is_status(last)) return true;
  refuse(errc::bad_status, type, 5);
  return false;
}

// The message's header is not, or not all, in this call's bytes.
bool frame_scanner::take_split_header(std::string_view bytes, frame& out) noexcept {
  if (header_size_ == 0) {
    const auto type = bytes.front();
    if ((*rules_)[static_cast<unsigned char>(type)].bit == 0) {
      refuse(errc::unknown_type, type, 0);
      return false;
    }
  }
  const std::size_t known = header_size_;
  const auto taken = std::min(header_bytes - known, bytes.size());
  std::memcpy(header_.data() + known, bytes.data(), taken);
  out = {.bytes = bytes.substr(0, taken),
         .before = header_size_,
         .type = header_[0],
         .starts = known == 0};
  if (known + taken < header_bytes) {
    header_size_ = static_cast<std::uint8_t>(known + taken);
    offset_ += taken;
    return true;
  }
  const auto length = load_u32(header_.data() + 1);
  if (!admit(header_[0], length)) return false;
  header_size_ = 0;
  size_ = length + 1;
  const auto body = std::min<std::size_t>(length - 4, bytes.size() - taken);
  left_ = static_cast<std::uint32_t>(length - 4 - body);
  out.bytes = bytes.substr(0, taken + body);
  out.size = size_;
  out.ends = left_ == 0;
  if (out.ends && !good_end(out.type, out.bytes.back())) return false;
  offset_ += out.bytes.size();
  return true;
}

// The message began earlier and its header is known.
bool frame_scanner::take_part(std::string_view bytes, frame& out) noexcept {
  const auto taken = std::min<std::size_t>(left_, bytes.size());
  out = {.bytes = bytes.substr(0, taken),
         .size = size_,
         .before = size_ - left_,
         .type = header_[0],
         .ends = taken == left_};
  if (out.ends && !good_end(out.type, out.bytes.back())) return false;
  left_ -= static_cast<std::uint32_t>(taken);
  offset_ += taken;
  return true;
}

bool frame_scanner::next(std::string_view bytes, frame& out) noexcept {
  if (error_ != errc::ok) return false;
  if (left_ != 0) return take_part(bytes, out);
  if (header_size_ != 0 || bytes.size() < header_bytes) return take_split_header(bytes, out);
  const auto type = bytes.front();
  const auto length = load_u32(bytes.data() + 1);
  if (!admit(type, length)) return false;
  const std::size_t size = std::size_t{length} + 1;
  const auto taken = std::min(size, bytes.size());
  out = {.bytes = bytes.substr(0, taken),
         .size = length + 1,
         .type = type,
         .starts = true,
         .ends = taken == size};
  if (out.ends) {
    if (!good_end(type, out.bytes.back())) return false;
  } else {
    header_[0] = type;
    size_ = length + 1;
    left_ = static_cast<std::uint32_t>(size - taken);
  }
  offset_ += taken;
  return true;
}

void frame_scanner::count(const frame& f, passed& out) const noexcept {
  out.consumed += f.bytes.size();
  if (!f.ends) return;
  out.complete_bytes = out.consumed;
  out.types.add(f.type);
  ++out.messages;
  if (direction_ != direction::from_server) return;
  if (f.type == row_type) ++out.data_rows;
  if (f.type == ready_type) {
    ++out.ready;
    out.status = static_cast<transaction_status>(f.bytes.back());
  }
}

passed frame_scanner::scan(std::string_view bytes, type_set stop) noexcept {
  passed out;
  out.error = error_;
  const bool server = direction_ == direction::from_server;
  while (out.consumed != bytes.size() && error_ == errc::ok) {
    const auto rest = bytes.substr(out.consumed);
    const bool open = !at_boundary();
    const auto type = open ? header_[0] : rest.front();
    const auto bit = (*rules_)[static_cast<unsigned char>(type)].bit;
    if (bit != 0 && stop.has_bit(bit)) break;
    // Whole rows, one after another: nearly all of a large answer.
    if (server && !open && type == row_type) {
      const auto before = out.consumed;
      const char* p = rest.data();
      const char* end = p + rest.size();
      while (end - p >= 7 && *p == row_type) {
        const auto length = load_u32(p + 1);
        if (length < 6 || length > max_message_length ||
            static_cast<std::size_t>(end - p) <= length)
          break;
        p += std::size_t{length} + 1;
        ++out.messages;
        ++out.data_rows;
      }
      out.consumed += static_cast<std::size_t>(p - rest.data());
      if (out.consumed != before) {
        offset_ += out.consumed - before;
        out.complete_bytes = out.consumed;
        out.types.add(row_type);
        continue;
      }
    }
    frame f;
    if (!next(rest, f)) {
      out.error = error_;
      break;
    }
    count(f, out);
  }
  return out;
}

std::string frame_scanner::describe_error() const {
  if (error_ == errc::ok) return {};
  const auto type = header_[0];
  const auto who = direction_ == direction::from_client ? "client" : "server";
  const auto name = type_name(direction_, type);
  const auto shown = type > ' ' && type < 0x7f ? fmt::format("'{}' ", type) : std::string();
  auto text =
      fmt::format("message {}(0x{:02x}{}{}) from the {}, about byte {} of the connection: {}",
                  shown, static_cast<unsigned char>(type), name.empty() ? "" : ", ", name, who,
                  offset_, sentence(error_));
  if (error_ == errc::length_too_small || error_ == errc::length_too_large)
    text += fmt::format(" (length {}, allowed {} to {})", bad_length_,
                        rule_of(direction_, type).min_length, rule_of(direction_, type).max_length);
  return text;
}

}  // namespace fairing::codec::pgwire
