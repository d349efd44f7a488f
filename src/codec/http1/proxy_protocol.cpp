#include "codec/http1/proxy_protocol.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.hpp"

namespace fairing::codec::http1 {
namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr std::string_view v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t v2_fixed_bytes = 16;

bool agrees(std::string_view bytes, std::string_view start) noexcept {
  const auto n = std::min(bytes.size(), start.size());
  return bytes.substr(0, n) == start.substr(0, n);
}

// Only the forms that inet_pton knows; written back, so that every address has one spelling.
std::optional<std::string> normal_address(int family, std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), buffer.begin());
  std::array<unsigned char, 16> raw{};
  if (inet_pton(family, buffer.data(), raw.data()) != 1) return std::nullopt;
  if (inet_ntop(family, raw.data(), buffer.data(), buffer.size()) == nullptr) return std::nullopt;
  return std::string(buffer.data());
}

std::string address_of_bytes(int family, std::string_view raw) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (inet_ntop(family, raw.data(), buffer.data(), buffer.size()) == nullptr) return {};
  return buffer.data();
}

// Decimal, without leading zeros, 0 to 65535.
std::optional<std::uint16_t> port_of_text(std::string_view text) noexcept {
  if (text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto value = parse_digits(text);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::uint16_t big_endian(std::string_view two) noexcept {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(two[0]) << 8 |
                                    static_cast<unsigned char>(two[1]));
}

// `TCP4 SOURCE DESTINATION SPORT DPORT`, the words separated by one space each.
bool read_v1_words(std::string_view line, proxy_header& out) {
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto space = line.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) return false;
    words[i] = line.substr(0, space);
    if (i + 1 < words.size()) line.remove_prefix(space + 1);
  }
  int family = 0;
  if (words[0] == "TCP4") family = AF_INET;
  if (words[0] == "TCP6") family = AF_INET6;
  if (family == 0) return false;
  auto source = normal_address(family, words[1]);
  auto destination = normal_address(family, words[2]);
  const auto source_port = port_of_text(words[3]);
  const auto destination_port = port_of_text(words[4]);
  if (!source || !destination || !source_port || !destination_port) return false;
  out.source_address = std::move(*source);
  out.destination_address = std::move(*destination);
  out.source_port = *source_port;
  out.destination_port = *destination_port;
  out.proxied = true;
  return true;
}

parse_status parse_v1(std::string_view bytes, proxy_header& out) {
  const auto window = bytes.substr(0, max_proxy_v1_bytes);
  for (std::size_t i = v1_start.size(); i < window.size(); ++i) {
    const auto c = static_cast<unsigned char>(window[i]);
    if (c == '\r') {
      if (i + 1 == window.size()) break;
      if (window[i + 1] != '\n') return parse_status::error;
      const auto line = window.substr(v1_start.size(), i - v1_start.size());
      out.version = 1;
      out.size = i + 2;
      // What follows UNKNOWN is to be ignored.
      if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return parse_status::complete;
      return read_v1_words(line, out) ? parse_status::complete : parse_status::error;
    }
    if (c < 0x20 || c > 0x7e) return parse_status::error;
  }
  return bytes.size() >= max_proxy_v1_bytes ? parse_status::error : parse_status::need_more;
}

// Addresses of one family, then ports; TLVs after them are skipped.
bool read_v2_addresses(std::string_view payload, int family, proxy_header& out) {
  const std::size_t width = family == AF_INET ? 4 : 16;
  if (payload.size() < 2 * width + 4) return false;
  out.source_address = address_of_bytes(family, payload.substr(0, width));
  out.destination_address = address_of_bytes(family, payload.substr(width, width));
  out.source_port = big_endian(payload.substr(2 * width, 2));
  out.destination_port = big_endian(payload.substr(2 * width + 2, 2));
  out.proxied = true;
  return true;
}

parse_status parse_v2(std::string_view bytes, proxy_header& out) {
  if (bytes.size() > 12) {
    const auto command = static_cast<unsigned char>(bytes[12]);
    if (command != 0x20 && command != 0x21) return parse_status::error;
  }
  if (bytes.size() < v2_fixed_bytes) return parse_status::need_more;
  const std::size_t length = big_endian(bytes.substr(14, 2));
  if (length > max_proxy_v2_payload_bytes) return parse_status::error;
  if (bytes.size() < v2_fixed_bytes + length) return parse_status::need_more;
  out.version = 2;
  out.size = v2_fixed_bytes + length;
  if (bytes[12] == 0x20) return parse_status::complete;  // LOCAL: the rest is to be ignored
  const auto payload = bytes.substr(v2_fixed_bytes, length);
  switch (static_cast<unsigned char>(bytes[13])) {
    case 0x11:
      return read_v2_addresses(payload, AF_INET, out) ? parse_status::complete
                                                      : parse_status::error;
    case 0x21:
      return read_v2_addresses(payload, AF_INET6, out) ? parse_status::complete
                                                       : parse_status::error;
    case 0x00:  // unspecified
    case 0x31:
      return parse_status::complete;  // unix stream: no address that means anything here
    default:
      return parse_status::error;  // datagrams and unknown families
  }
}

}  // namespace

parse_status parse_proxy(std::string_view bytes, proxy_header& out) {
  out = proxy_header{};
  if (bytes.empty()) return parse_status::need_more;
  if (agrees(bytes, v1_start))
    return bytes.size() < v1_start.size() ? parse_status::need_more : parse_v1(bytes, out);
  if (agrees(bytes, v2_signature))
    return bytes.size() < v2_signature.size() ? parse_status::need_more : parse_v2(bytes, out);
  return parse_status::error;
}

}  // namespace fairing::codec::http1
