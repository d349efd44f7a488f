// message_type: the message types of protocol 3.0, their lengths, and sets of them.
//
// Problem: the first byte of a message means different things by direction, and the length that
// follows decides where the next message begins: a wrong one desynchronises the connection. Each
// type therefore has its least and greatest length; a type with a fixed length has one of them.
//
// Flow:
//   constexpr type_set wanted{server_type::ready_for_query, server_type::error_response};
//   const auto& rule = rule_of(direction::from_server, byte);   // rule.bit == 0: unknown
//
// Threads: any. Cost: a table look-up.
// Source: PostgreSQL documentation, "Message Formats"; limits: src/backend/tcop/postgres.c
// (SocketBackend), src/include/libpq/auth.h.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace fairing::codec::pgwire {

enum class direction : std::uint8_t {
  from_client,  // frontend messages, after the start-up packet
  from_server,  // backend messages, after the one byte that answers an SSLRequest
};

enum class client_type : char {
  bind = 'B',
  close = 'C',
  copy_data = 'd',
  copy_done = 'c',
  copy_fail = 'f',
  describe = 'D',
  execute = 'E',
  flush = 'H',
  function_call = 'F',
  parse = 'P',
  password = 'p',  // also SASLInitialResponse, SASLResponse and GSSResponse: by state
  query = 'Q',
  sync = 'S',
  terminate = 'X',
};

enum class server_type : char {
  authentication = 'R',
  backend_key_data = 'K',
  bind_complete = '2',
  close_complete = '3',
  command_complete = 'C',
  copy_both_response = 'W',
  copy_data = 'd',
  copy_done = 'c',
  copy_in_response = 'G',
  copy_out_response = 'H',
  data_row = 'D',
  empty_query_response = 'I',
  error_response = 'E',
  function_call_response = 'V',
  negotiate_protocol_version = 'v',
  no_data = 'n',
  notice_response = 'N',
  notification_response = 'A',
  parameter_description = 't',
  parameter_status = 'S',
  parse_complete = '1',
  portal_suspended = 's',
  ready_for_query = 'Z',
  row_description = 'T',
};

// The status byte of ReadyForQuery.
enum class transaction_status : char {
  idle = 'I',
  in_transaction = 'T',
  failed = 'E',  // in a failed transaction: only ROLLBACK helps
};

inline constexpr std::size_t header_bytes = 5;  // type and length
inline constexpr std::uint32_t max_message_length =
    0x3fffffff;  // the length field, itself included

// Which bit a type byte has in a type_set: 1 to 62; 0 for a byte that is no digit or letter.
[[nodiscard]] constexpr std::uint8_t type_bit(char type) noexcept {
  if (type >= '0' && type <= '9') return static_cast<std::uint8_t>(type - '0' + 1);
  if (type >= 'A' && type <= 'Z') return static_cast<std::uint8_t>(type - 'A' + 11);
  if (type >= 'a' && type <= 'z') return static_cast<std::uint8_t>(type - 'a' + 37);
  return 0;
}

// Types of one direction; a 64-bit word.
class type_set {
 public:
  constexpr type_set() noexcept = default;
  constexpr type_set(std::initializer_list<server_type> types) noexcept {
    for (const auto t : types) add(static_cast<char>(t));
  }
  constexpr type_set(std::initializer_list<client_type> types) noexcept {
    for (const auto t : types) add(static_cast<char>(t));
  }
  [[nodiscard]] static constexpr type_set all() noexcept {
    type_set s;
    s.bits_ = ~std::uint64_t{0};
    return s;
  }
  constexpr void add(char type) noexcept { add_bit(type_bit(type)); }
  constexpr void add_bit(std::uint8_t bit) noexcept { bits_ |= std::uint64_t{1} << bit; }
  [[nodiscard]] constexpr bool has(char type) const noexcept { return has_bit(type_bit(type)); }
  [[nodiscard]] constexpr bool has(server_type t) const noexcept {
    return has(static_cast<char>(t));
  }
  [[nodiscard]] constexpr bool has(client_type t) const noexcept {
    return has(static_cast<char>(t));
  }
  [[nodiscard]] constexpr bool has_bit(std::uint8_t bit) const noexcept {
    return (bits_ >> bit & 1) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr bool intersects(type_set o) const noexcept {
    return (bits_ & o.bits_) != 0;
  }
  // No type but those of `o`.
  [[nodiscard]] constexpr bool within(type_set o) const noexcept { return (bits_ & ~o.bits_) == 0; }
  constexpr type_set& operator|=(type_set o) noexcept {
    bits_ |= o.bits_;
    return *this;
  }
  [[nodiscard]] constexpr bool operator==(const type_set&) const noexcept = default;

 private:
  std::uint64_t bits_ = 0;
};

struct type_rule {
  std::uint32_t min_length = 0xffffffff;  // an unknown type has no length that fits
  std::uint32_t max_length = 0;
  std::uint8_t bit = 0;  // 0: unknown in this direction
};
using type_rules = std::array<type_rule, 256>;

[[nodiscard]] const type_rules& rules_of(direction d) noexcept;
[[nodiscard]] inline const type_rule& rule_of(direction d, char type) noexcept {
  return rules_of(d)[static_cast<unsigned char>(type)];
}
// "DataRow", as the documentation spells it; "" for an unknown type. Static.
[[nodiscard]] std::string_view type_name(direction d, char type) noexcept;

}  // namespace fairing::codec::pgwire
