// client_messages: what a client sends after its start-up packet, parsed to views.
//
// Problem: the plane decides by names, texts, type ids and values of the client's messages, and
// must neither copy nor trust them. Each function takes a body (the message without its five header
// bytes) and answers views into it, or the first fault.
//
// Flow:
//   const auto bind = read_bind(f.body());
//   if (!bind) return refuse(bind.error());
//   std::size_t i = 0;
//   for (const auto& v : bind->parameters) use(v, bind->parameter_formats.of(i++));
//
// Lifecycle: the views point into the body. Threads: any. Cost: one pass; no allocation.
// Source: PostgreSQL documentation, "Message Formats".
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {

struct parse_view {
  std::string_view name;  // of the statement; "" is the unnamed one
  std::string_view sql;
  oid_list parameter_types;  // may be fewer than the statement has; 0: to be inferred
};

struct bind_view {
  std::string_view portal;
  std::string_view statement;
  format_codes parameter_formats;
  value_list parameters;
  format_codes result_formats;  // their number is not checked: the result's columns are not known
};

enum class target_kind : char {
  statement = 'S',
  portal = 'P',
};

// Of a Describe or a Close.
struct target_view {
  target_kind kind = target_kind::statement;
  std::string_view name;
};

struct execute_view {
  std::string_view portal;
  std::int32_t max_rows = 0;  // 0 or less: all
};

struct function_call_view {
  std::uint32_t function = 0;  // its object id
  format_codes argument_formats;
  value_list arguments;
  std::int16_t result_format = 0;
};

struct sasl_initial_view {
  std::string_view mechanism;
  value_view data;  // null: no initial response
};

[[nodiscard]] parsed<std::string_view> read_query(std::string_view body) noexcept;  // the SQL
[[nodiscard]] parsed<parse_view> read_parse(std::string_view body) noexcept;
[[nodiscard]] parsed<bind_view> read_bind(std::string_view body) noexcept;
[[nodiscard]] parsed<target_view> read_describe(std::string_view body) noexcept;
[[nodiscard]] parsed<target_view> read_close(std::string_view body) noexcept;
[[nodiscard]] parsed<execute_view> read_execute(std::string_view body) noexcept;
[[nodiscard]] parsed<function_call_view> read_function_call(std::string_view body) noexcept;
// Why the copy failed.
[[nodiscard]] parsed<std::string_view> read_copy_fail(std::string_view body) noexcept;
[[nodiscard]] parsed<std::string_view> read_password(std::string_view body) noexcept;
[[nodiscard]] parsed<sasl_initial_view> read_sasl_initial_response(std::string_view body) noexcept;
// A SASLResponse, a GSSResponse and a CopyData are their body as it is.
//
// Sync, Flush, Terminate and CopyDone have none.
[[nodiscard]] errc check_empty(std::string_view body) noexcept;

}  // namespace fairing::codec::pgwire
