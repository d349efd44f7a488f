// client_writer: what the plane sends to a server after the start-up packet.
//
// Flow: append_parse(out, "fairing_7", sql, {}); append_sync(out); send(out);
// Functions that answer bool: false, and nothing appended, where the message would be over 1 GiB or
// a list over 65535. A text with a NUL is cut there: the protocol cannot carry it.
//
// Threads: any. Cost: `out` may grow; its capacity is the caller's to keep.
// Source: PostgreSQL documentation, "Message Formats".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/pgwire/client_messages.hpp"

namespace fairing::codec::pgwire {

[[nodiscard]] bool append_query(std::string& out, std::string_view sql);
[[nodiscard]] bool append_parse(std::string& out, std::string_view name, std::string_view sql,
                                std::span<const std::uint32_t> parameter_types);
// The same with a list that was read before.
[[nodiscard]] bool append_parse(std::string& out, std::string_view name, std::string_view sql,
                                const oid_list& parameter_types);
struct bind_request {
  std::string_view portal;
  std::string_view statement;
  std::span<const std::int16_t> parameter_formats;  // none, one, or one each
  std::span<const value_view> parameters;
  std::span<const std::int16_t> result_formats;
};
[[nodiscard]] bool append_bind(std::string& out, const bind_request& request);
void append_describe(std::string& out, target_kind kind, std::string_view name);
void append_close(std::string& out, target_kind kind, std::string_view name);
void append_execute(std::string& out, std::string_view portal, std::int32_t max_rows = 0);
void append_sync(std::string& out);
void append_flush(std::string& out);
void append_terminate(std::string& out);
struct function_call_request {
  std::uint32_t function = 0;
  std::span<const std::int16_t> argument_formats;
  std::span<const value_view> arguments;
  std::int16_t result_format = 0;
};
[[nodiscard]] bool append_function_call(std::string& out, const function_call_request& request);
[[nodiscard]] bool append_copy_data_to_server(std::string& out, std::string_view data);
void append_copy_done_to_server(std::string& out);
void append_copy_fail(std::string& out, std::string_view reason);
void append_password(std::string& out, std::string_view password);
void append_sasl_initial_response(std::string& out, std::string_view mechanism,
                                  const value_view& data);
void append_sasl_response(std::string& out, std::string_view data);

}  // namespace fairing::codec::pgwire
