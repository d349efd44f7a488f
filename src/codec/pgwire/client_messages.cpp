#include "codec/pgwire/client_messages.hpp"

namespace fairing::codec::pgwire {
namespace {

template <class T>
parsed<T> finished(const reader& r, const T& view) noexcept {
  if (const auto e = r.finish(); e != errc::ok) return std::unexpected(e);
  return view;
}

parsed<std::string_view> read_one_text(std::string_view body) noexcept {
  reader r(body);
  const auto text = r.cstring();
  return finished(r, text);
}

parsed<target_view> read_target(std::string_view body) noexcept {
  reader r(body);
  target_view view;
  const auto kind = static_cast<char>(r.u8());
  if (r.error() == errc::ok && kind != 'S' && kind != 'P') r.fail(errc::bad_kind);
  view.kind = static_cast<target_kind>(kind);
  view.name = r.cstring();
  return finished(r, view);
}

bool fits(const format_codes& formats, std::size_t values) noexcept {
  return formats.size() <= 1 || formats.size() == values;
}

}  // namespace

parsed<std::string_view> read_query(std::string_view body) noexcept { return read_one_text(body); }

parsed<parse_view> read_parse(std::string_view body) noexcept {
  reader r(body);
  parse_view view;
  view.name = r.cstring();
  view.sql = r.cstring();
  view.parameter_types = r.oids(r.u16());
  return finished(r, view);
}

parsed<bind_view> read_bind(std::string_view body) noexcept {
  reader r(body);
  bind_view view;
  view.portal = r.cstring();
  view.statement = r.cstring();
  view.parameter_formats = r.formats();
  view.parameters = r.values(r.u16());
  if (r.error() == errc::ok && !fits(view.parameter_formats, view.parameters.size()))
    r.fail(errc::format_count);
  view.result_formats = r.formats();
  return finished(r, view);
}

parsed<target_view> read_describe(std::string_view body) noexcept { return read_target(body); }

parsed<target_view> read_close(std::string_view body) noexcept { return read_target(body); }

parsed<execute_view> read_execute(std::string_view body) noexcept {
  reader r(body);
  execute_view view;
  view.portal = r.cstring();
  view.max_rows = static_cast<std::int32_t>(r.u32());
  return finished(r, view);
}

parsed<function_call_view> read_function_call(std::string_view body) noexcept {
  reader r(body);
  function_call_view view;
  view.function = r.u32();
  view.argument_formats = r.formats();
  view.arguments = r.values(r.u16());
  if (r.error() == errc::ok && !fits(view.argument_formats, view.arguments.size()))
    r.fail(errc::format_count);
  view.result_format = static_cast<std::int16_t>(r.u16());
  if (r.error() == errc::ok && view.result_format != 0 && view.result_format != 1)
    r.fail(errc::bad_format_code);
  return finished(r, view);
}

parsed<std::string_view> read_copy_fail(std::string_view body) noexcept {
  return read_one_text(body);
}

parsed<std::string_view> read_password(std::string_view body) noexcept {
  return read_one_text(body);
}

parsed<sasl_initial_view> read_sasl_initial_response(std::string_view body) noexcept {
  reader r(body);
  sasl_initial_view view;
  view.mechanism = r.cstring();
  view.data = r.value();
  return finished(r, view);
}

errc check_empty(std::string_view body) noexcept {
  return body.empty() ? errc::ok : errc::trailing_bytes;
}

}  // namespace fairing::codec::pgwire
