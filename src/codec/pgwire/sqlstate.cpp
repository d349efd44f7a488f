#include "codec/pgwire/sqlstate.hpp"

#include <algorithm>
#include <array>

namespace fairing::codec::pgwire {
namespace {

struct row {
  sqlstate id;
  std::string_view code;
  std::string_view sentence;
};

constexpr std::array<row, sqlstate_count> table{{
    {sqlstate::successful_completion, "00000", "successful completion"},
    {sqlstate::warning, "01000", "warning"},
    {sqlstate::connection_exception, "08000", "connection exception"},
    {sqlstate::connection_does_not_exist, "08003", "the connection does not exist"},
    {sqlstate::connection_failure, "08006", "the server connection was lost"},
    {sqlstate::unable_to_connect, "08001", "could not connect to the server"},
    {sqlstate::connection_rejected, "08004", "the server rejected the connection"},
    {sqlstate::protocol_violation, "08P01", "protocol violation"},
    {sqlstate::feature_not_supported, "0A000", "feature not supported"},
    {sqlstate::invalid_parameter_value, "22023", "invalid parameter value"},
    {sqlstate::active_transaction, "25001", "not allowed inside a transaction block"},
    {sqlstate::failed_transaction, "25P02",
     "current transaction is aborted, commands ignored until end of transaction block"},
    {sqlstate::idle_in_transaction_timeout, "25P03",
     "terminating connection due to idle-in-transaction timeout"},
    {sqlstate::undefined_statement, "26000", "the prepared statement does not exist"},
    {sqlstate::invalid_authorization, "28000", "invalid authorization specification"},
    {sqlstate::invalid_password, "28P01", "password authentication failed"},
    {sqlstate::invalid_cursor_name, "34000", "the portal does not exist"},
    {sqlstate::undefined_database, "3D000", "the database does not exist"},
    {sqlstate::serialization_failure, "40001", "could not serialize access"},
    {sqlstate::insufficient_privilege, "42501", "permission denied"},
    {sqlstate::syntax_error, "42601", "syntax error"},
    {sqlstate::undefined_object, "42704", "unrecognized configuration parameter"},
    {sqlstate::duplicate_cursor, "42P03", "the portal already exists"},
    {sqlstate::duplicate_statement, "42P05", "the prepared statement already exists"},
    {sqlstate::insufficient_resources, "53000", "insufficient resources"},
    {sqlstate::out_of_memory, "53200", "out of memory"},
    {sqlstate::too_many_connections, "53300", "too many connections"},
    {sqlstate::limit_exceeded, "54000", "a limit was exceeded"},
    {sqlstate::query_canceled, "57014", "the query was canceled"},
    {sqlstate::admin_shutdown, "57P01", "terminating connection due to administrator command"},
    {sqlstate::crash_shutdown, "57P02", "terminating connection because of a server crash"},
    {sqlstate::cannot_connect_now, "57P03", "connections are not accepted at the moment"},
    {sqlstate::idle_session_timeout, "57P05", "terminating connection due to idle-session timeout"},
    {sqlstate::system_error, "58000", "system error"},
    {sqlstate::internal_error, "XX000", "internal error"},
}};

consteval bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].id) != i || table[i].code.size() != 5) return false;
  return true;
}
static_assert(in_order());

const row& row_of(sqlstate s) noexcept {
  const auto i = static_cast<std::size_t>(s);
  return i < table.size() ? table[i] : table.back();
}

}  // namespace

std::string_view code(sqlstate s) noexcept { return row_of(s).code; }

std::string_view sentence(sqlstate s) noexcept { return row_of(s).sentence; }

std::optional<sqlstate> sqlstate_from_code(std::string_view five) noexcept {
  for (const auto& r : table)
    if (r.code == five) return r.id;
  return std::nullopt;
}

bool is_sqlstate(std::string_view text) noexcept {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

}  // namespace fairing::codec::pgwire
