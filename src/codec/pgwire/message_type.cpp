#include "codec/pgwire/message_type.hpp"

namespace fairing::codec::pgwire {
namespace {

struct entry {
  char type;
  std::uint32_t min_length;
  std::uint32_t max_length;
  std::string_view name;
};

constexpr std::uint32_t any = max_message_length;
// As the server: what carries no more than a name is small, an answer to authentication at most
// 65535 bytes.
constexpr std::uint32_t small = 10'000;
constexpr std::uint32_t token = 65'535;
// Lists of at most 65535 entries of two or four bytes.
constexpr std::uint32_t formats = 4 + 1 + 2 + 2 * 65'535;
constexpr std::uint32_t oids = 4 + 2 + 4 * 65'535;
// Texts that no server makes long.
constexpr std::uint32_t text = 1 << 20;

constexpr std::array client_table{
    entry{'B', 4 + 8, any, "Bind"},
    entry{'C', 4 + 2, small, "Close"},
    entry{'d', 4, any, "CopyData"},
    entry{'c', 4, 4, "CopyDone"},
    entry{'f', 4 + 1, small, "CopyFail"},
    entry{'D', 4 + 2, small, "Describe"},
    entry{'E', 4 + 5, small, "Execute"},
    entry{'H', 4, 4, "Flush"},
    entry{'F', 4 + 10, any, "FunctionCall"},
    entry{'P', 4 + 4, any, "Parse"},
    entry{'p', 4, token, "PasswordMessage"},
    entry{'Q', 4 + 1, any, "Query"},
    entry{'S', 4, 4, "Sync"},
    entry{'X', 4, 4, "Terminate"},
};

constexpr std::array server_table{
    entry{'R', 4 + 4, token, "Authentication"},
    entry{'K', 4 + 8, 4 + 8, "BackendKeyData"},
    entry{'2', 4, 4, "BindComplete"},
    entry{'3', 4, 4, "CloseComplete"},
    entry{'C', 4 + 1, text, "CommandComplete"},
    entry{'W', 4 + 3, formats, "CopyBothResponse"},
    entry{'d', 4, any, "CopyData"},
    entry{'c', 4, 4, "CopyDone"},
    entry{'G', 4 + 3, formats, "CopyInResponse"},
    entry{'H', 4 + 3, formats, "CopyOutResponse"},
    entry{'D', 4 + 2, any, "DataRow"},
    entry{'I', 4, 4, "EmptyQueryResponse"},
    entry{'E', 4 + 1, any, "ErrorResponse"},
    entry{'V', 4 + 4, any, "FunctionCallResponse"},
    entry{'v', 4 + 8, small, "NegotiateProtocolVersion"},
    entry{'n', 4, 4, "NoData"},
    entry{'N', 4 + 1, any, "NoticeResponse"},
    entry{'A', 4 + 6, any, "NotificationResponse"},
    entry{'t', 4 + 2, oids, "ParameterDescription"},
    entry{'S', 4 + 2, text, "ParameterStatus"},
    entry{'1', 4, 4, "ParseComplete"},
    entry{'s', 4, 4, "PortalSuspended"},
    entry{'Z', 4 + 1, 4 + 1, "ReadyForQuery"},
    entry{'T', 4 + 2, any, "RowDescription"},
};

template <std::size_t N>
consteval type_rules make_rules(const std::array<entry, N>& table) {
  type_rules rules{};
  for (const auto& e : table)
    rules[static_cast<unsigned char>(e.type)] = {e.min_length, e.max_length, type_bit(e.type)};
  return rules;
}
constexpr auto client_rules = make_rules(client_table);
constexpr auto server_rules = make_rules(server_table);

template <std::size_t N>
std::string_view name_in(const std::array<entry, N>& table, char type) noexcept {
  for (const auto& e : table)
    if (e.type == type) return e.name;
  return {};
}

}  // namespace

const type_rules& rules_of(direction d) noexcept {
  return d == direction::from_client ? client_rules : server_rules;
}

std::string_view type_name(direction d, char type) noexcept {
  return d == direction::from_client ? name_in(client_table, type) : name_in(server_table, type);
}

}  // namespace fairing::codec::pgwire
