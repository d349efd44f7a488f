#include "codec/pgwire/rename.hpp"

#include <algorithm>

#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {
namespace {

struct span_of_name {
  std::size_t at;
  std::size_t size;
  std::size_t end;  // of what is here of the message; the buffer may hold more
};

parsed<span_of_name> find_name(std::string_view message) noexcept {
  if (message.size() < header_bytes) return std::unexpected(errc::truncated);
  const std::size_t end =
      std::min<std::size_t>(message.size(), std::size_t{load_u32(message.data() + 1)} + 1);
  if (end < header_bytes) return std::unexpected(errc::length_too_small);
  const auto bytes = message.substr(0, end);
  std::size_t at = header_bytes;
  switch (static_cast<client_type>(message.front())) {
    case client_type::parse:
      break;
    case client_type::bind: {
      const auto portal_end = bytes.find('\0', at);
      if (portal_end == std::string_view::npos) return std::unexpected(errc::truncated);
      at = portal_end + 1;
      break;
    }
    case client_type::describe:
    case client_type::close:
      if (bytes.size() == at) return std::unexpected(errc::truncated);
      if (bytes[at] == 'P') return std::unexpected(errc::not_a_statement);
      if (bytes[at] != 'S') return std::unexpected(errc::bad_kind);
      ++at;
      break;
    default:
      return std::unexpected(errc::not_a_statement);
  }
  const auto name_end = bytes.find('\0', at);
  if (name_end == std::string_view::npos) return std::unexpected(errc::truncated);
  return span_of_name{at, name_end - at, end};
}

}  // namespace

parsed<std::string_view> statement_name(std::string_view message) noexcept {
  const auto name = find_name(message);
  if (!name) return std::unexpected(name.error());
  return message.substr(name->at, name->size);
}

parsed<renamed_message> rename_statement(std::string_view message, std::string_view name) noexcept {
  const auto old = find_name(message);
  if (!old) return std::unexpected(old.error());
  const auto length = load_u32(message.data() + 1) - old->size + name.size();
  const auto& rule = rule_of(direction::from_client, message.front());
  if (length > rule.max_length) return std::unexpected(errc::length_too_large);
  renamed_message out;
  out.header_[0] = message.front();
  store_u32(out.header_.data() + 1, static_cast<std::uint32_t>(length));
  out.prefix_ = message.substr(header_bytes, old->at - header_bytes);
  out.name_ = name;
  out.rest_ = message.substr(0, old->end).substr(old->at + old->size);
  return out;
}

}  // namespace fairing::codec::pgwire
