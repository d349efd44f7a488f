#include "codec/pgwire/client_writer.hpp"

#include "codec/pgwire/message_writer.hpp"

namespace fairing::codec::pgwire {
namespace {

void put_formats(message_writer& w, std::span<const std::int16_t> codes) {
  w.count(codes.size());
  for (const auto c : codes) w.i16(c);
}

void put_values(message_writer& w, std::span<const value_view> values) {
  w.count(values.size());
  for (const auto& v : values) w.value(v);
}

void append_target(std::string& out, client_type type, target_kind kind, std::string_view name) {
  message_writer w(out, type);
  w.u8(static_cast<std::uint8_t>(kind));
  w.cstring(name);
  w.finish_small();
}

void append_bare(std::string& out, client_type type) { message_writer(out, type).finish_small(); }

}  // namespace

bool append_query(std::string& out, std::string_view sql) {
  message_writer w(out, client_type::query);
  w.cstring(sql);
  return w.finish();
}

bool append_parse(std::string& out, std::string_view name, std::string_view sql,
                  std::span<const std::uint32_t> parameter_types) {
  message_writer w(out, client_type::parse);
  w.cstring(name);
  w.cstring(sql);
  w.count(parameter_types.size());
  for (const auto oid : parameter_types) w.u32(oid);
  return w.finish();
}

bool append_parse(std::string& out, std::string_view name, std::string_view sql,
                  const oid_list& parameter_types) {
  message_writer w(out, client_type::parse);
  w.cstring(name);
  w.cstring(sql);
  w.count(parameter_types.size());
  w.bytes(parameter_types.bytes());
  return w.finish();
}

bool append_bind(std::string& out, const bind_request& request) {
  message_writer w(out, client_type::bind);
  w.cstring(request.portal);
  w.cstring(request.statement);
  put_formats(w, request.parameter_formats);
  put_values(w, request.parameters);
  put_formats(w, request.result_formats);
  return w.finish();
}

void append_describe(std::string& out, target_kind kind, std::string_view name) {
  append_target(out, client_type::describe, kind, name);
}

void append_close(std::string& out, target_kind kind, std::string_view name) {
  append_target(out, client_type::close, kind, name);
}

void append_execute(std::string& out, std::string_view portal, std::int32_t max_rows) {
  message_writer w(out, client_type::execute);
  w.cstring(portal);
  w.i32(max_rows);
  w.finish_small();
}

void append_sync(std::string& out) { append_bare(out, client_type::sync); }

void append_flush(std::string& out) { append_bare(out, client_type::flush); }

void append_terminate(std::string& out) { append_bare(out, client_type::terminate); }

bool append_function_call(std::string& out, const function_call_request& request) {
  message_writer w(out, client_type::function_call);
  w.u32(request.function);
  put_formats(w, request.argument_formats);
  put_values(w, request.arguments);
  w.i16(request.result_format);
  return w.finish();
}

bool append_copy_data_to_server(std::string& out, std::string_view data) {
  if (data.size() > max_message_length - 4) return false;
  message_writer w(out, client_type::copy_data);
  w.bytes(data);
  return w.finish();
}

void append_copy_done_to_server(std::string& out) { append_bare(out, client_type::copy_done); }

void append_copy_fail(std::string& out, std::string_view reason) {
  message_writer w(out, client_type::copy_fail);
  w.cstring(reason.substr(0, 8192));
  w.finish_small();
}

void append_password(std::string& out, std::string_view password) {
  message_writer w(out, client_type::password);
  w.cstring(password);
  w.finish_small();
}

void append_sasl_initial_response(std::string& out, std::string_view mechanism,
                                  const value_view& data) {
  message_writer w(out, client_type::password);
  w.cstring(mechanism);
  w.value(data);
  w.finish_small();
}

void append_sasl_response(std::string& out, std::string_view data) {
  message_writer w(out, client_type::password);
  w.bytes(data);
  w.finish_small();
}

}  // namespace fairing::codec::pgwire
