#include "codec/pgwire/server_messages.hpp"

#include <charconv>

namespace fairing::codec::pgwire {
namespace {

template <class T>
parsed<T> finished(const reader& r, const T& view) noexcept {
  if (const auto e = r.finish(); e != errc::ok) return std::unexpected(e);
  return view;
}

// The mechanisms' list ends in an empty string.
text_list read_mechanisms(reader& r) noexcept {
  const char* first = r.position();
  for (std::size_t count = 0;; ++count) {
    const char* last = r.position();
    const auto name = r.cstring();
    if (r.error() != errc::ok) return {};
    if (name.empty()) return {{first, static_cast<std::size_t>(last - first)}, count};
  }
}

// The last word of the tags that count rows.
std::optional<std::uint64_t> rows_of(std::string_view tag) noexcept {
  constexpr std::array<std::string_view, 8> counting{"SELECT", "INSERT", "UPDATE", "DELETE",
                                                     "MERGE",  "MOVE",   "FETCH",  "COPY"};
  const auto command = tag.substr(0, tag.find(' '));
  bool counts = false;
  for (const auto c : counting) counts = counts || c == command;
  const auto space = tag.rfind(' ');
  if (!counts || space == std::string_view::npos) return std::nullopt;
  std::uint64_t rows = 0;
  const char* end = tag.data() + tag.size();
  const auto [stop, fault] = std::from_chars(tag.data() + space + 1, end, rows);
  if (fault != std::errc{} || stop != end) return std::nullopt;
  return rows;
}

}  // namespace

column_view column_view::decode(const char*& p) noexcept {
  column_view v;
  v.name = text_view::decode(p).text;
  v.table = load_u32(p);
  v.attribute = load_u16(p + 4);
  v.type = load_u32(p + 6);
  v.type_size = static_cast<std::int16_t>(load_u16(p + 10));
  v.type_modifier = static_cast<std::int32_t>(load_u32(p + 12));
  v.format = static_cast<std::int16_t>(load_u16(p + 16));
  p += 18;
  return v;
}

std::string_view error_view::find(char code) const noexcept {
  for (const auto& f : fields)
    if (f.code == code) return f.value;
  return {};
}

parsed<authentication_view> read_authentication(std::string_view body) noexcept {
  reader r(body);
  authentication_view view;
  view.kind = static_cast<auth_kind>(r.u32());
  switch (view.kind) {
    case auth_kind::ok:
    case auth_kind::kerberos_v5:
    case auth_kind::cleartext_password:
    case auth_kind::scm_credential:
    case auth_kind::gss:
    case auth_kind::sspi:
      break;
    case auth_kind::md5_password:
      if (const auto salt = r.bytes(4); salt.size() == 4)
        std::memcpy(view.salt.data(), salt.data(), 4);
      break;
    case auth_kind::gss_continue:
    case auth_kind::sasl_continue:
    case auth_kind::sasl_final:
      view.data = r.rest();
      break;
    case auth_kind::sasl:
      view.mechanisms = read_mechanisms(r);
      break;
    default:
      r.fail(errc::bad_authentication);
  }
  return finished(r, view);
}

parsed<parameter_view> read_parameter_status(std::string_view body) noexcept {
  reader r(body);
  parameter_view view;
  view.name = r.cstring();
  view.value = r.cstring();
  return finished(r, view);
}

parsed<backend_key> read_backend_key_data(std::string_view body) noexcept {
  reader r(body);
  backend_key key;
  key.pid = r.u32();
  key.secret = r.u32();
  return finished(r, key);
}

parsed<transaction_status> read_ready_for_query(std::string_view body) noexcept {
  reader r(body);
  const auto status = static_cast<char>(r.u8());
  if (r.error() == errc::ok && status != 'I' && status != 'T' && status != 'E')
    r.fail(errc::bad_status);
  return finished(r, static_cast<transaction_status>(status));
}

parsed<column_list> read_row_description(std::string_view body) noexcept {
  reader r(body);
  const std::size_t count = r.u16();
  const char* first = r.position();
  for (std::size_t i = 0; i < count && r.error() == errc::ok; ++i) {
    static_cast<void>(r.cstring());
    const auto fixed = r.bytes(18);
    if (r.error() == errc::ok && load_u16(fixed.data() + 16) > 1) r.fail(errc::bad_format_code);
  }
  if (r.error() != errc::ok) return std::unexpected(r.error());
  const column_list columns{{first, static_cast<std::size_t>(r.position() - first)}, count};
  return finished(r, columns);
}

parsed<value_list> read_data_row(std::string_view body) noexcept {
  reader r(body);
  const auto values = r.values(r.u16());
  return finished(r, values);
}

parsed<command_complete_view> read_command_complete(std::string_view body) noexcept {
  reader r(body);
  command_complete_view view;
  view.tag = r.cstring();
  view.rows = rows_of(view.tag);
  return finished(r, view);
}

parsed<error_view> read_error(std::string_view body) noexcept {
  reader r(body);
  const char* first = r.position();
  error_view view;
  std::string_view translated;
  for (std::size_t count = 0;; ++count) {
    const char* last = r.position();
    const auto code = static_cast<char>(r.u8());
    if (r.error() != errc::ok) return std::unexpected(errc::missing_terminator);
    if (code == '\0') {
      view.fields = {{first, static_cast<std::size_t>(last - first)}, count};
      break;
    }
    const auto value = r.cstring();
    if (r.error() != errc::ok) return std::unexpected(r.error());
    switch (code) {
      case 'S':
        if (translated.empty()) translated = value;
        break;
      case 'V':
        if (view.severity.empty()) view.severity = value;
        break;
      case 'C':
        if (view.sqlstate.empty() && is_sqlstate(value)) view.sqlstate = value;
        break;
      case 'M':
        if (view.message.empty()) view.message = value;
        break;
      case 'D':
        if (view.detail.empty()) view.detail = value;
        break;
      case 'H':
        if (view.hint.empty()) view.hint = value;
        break;
      default:
        break;  // to be skipped, says the protocol
    }
  }
  if (view.severity.empty()) view.severity = translated;
  return finished(r, view);
}

parsed<oid_list> read_parameter_description(std::string_view body) noexcept {
  reader r(body);
  const auto types = r.oids(r.u16());
  return finished(r, types);
}

parsed<notification_view> read_notification(std::string_view body) noexcept {
  reader r(body);
  notification_view view;
  view.pid = r.u32();
  view.channel = r.cstring();
  view.payload = r.cstring();
  return finished(r, view);
}

parsed<copy_response_view> read_copy_response(std::string_view body) noexcept {
  reader r(body);
  copy_response_view view;
  view.format = r.u8();
  if (r.error() == errc::ok && view.format > 1) r.fail(errc::bad_format_code);
  view.column_formats = r.formats();
  return finished(r, view);
}

parsed<value_view> read_function_call_response(std::string_view body) noexcept {
  reader r(body);
  const auto value = r.value();
  return finished(r, value);
}

parsed<negotiate_view> read_negotiate_protocol_version(std::string_view body) noexcept {
  reader r(body);
  negotiate_view view;
  view.version = r.u32();
  view.options = r.texts(r.u32());
  return finished(r, view);
}

}  // namespace fairing::codec::pgwire
