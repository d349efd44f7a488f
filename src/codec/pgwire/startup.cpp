#include "codec/pgwire/startup.hpp"

#include "codec/pgwire/message_writer.hpp"

namespace fairing::codec::pgwire {
namespace {

constexpr std::string_view option_prefix = "_pq_.";

startup_status refuse(startup_packet& out, errc e) noexcept {
  out.error = e;
  return startup_status::error;
}

// One of the requests that consist of a code alone, or of a code and a key.
startup_status take_request(startup_packet& out, startup_kind kind, std::size_t expected) noexcept {
  out.kind = kind;
  if (out.size != expected) return refuse(out, errc::bad_startup_length);
  return startup_status::complete;
}

bool is_repeated(const char* first, std::size_t count, std::string_view name) noexcept {
  for (const auto& earlier : message_list<parameter_view>({first, 0}, count))
    if (earlier.name == name) return true;
  return false;
}

startup_status read_parameters(std::string_view body, startup_packet& out) noexcept {
  reader r(body);
  const char* first = r.position();
  std::size_t count = 0;
  for (;;) {
    const char* last = r.position();
    const auto name = r.cstring();
    if (r.error() != errc::ok) return refuse(out, r.error());
    if (name.empty()) {
      out.parameters = {{first, static_cast<std::size_t>(last - first)}, count};
      break;
    }
    const auto value = r.cstring();
    if (r.error() != errc::ok) return refuse(out, r.error());
    if (count == max_startup_parameters) return refuse(out, errc::too_many_parameters);
    if (is_repeated(first, count, name)) return refuse(out, errc::duplicate_parameter);
    ++count;
    if (name == "user") out.user = value;
    if (name == "database") out.database = value;
    if (name.starts_with(option_prefix)) ++out.protocol_options;
  }
  if (const auto e = r.finish(); e != errc::ok) return refuse(out, e);
  if (out.user.empty()) return refuse(out, errc::missing_user);
  if (out.database.empty()) out.database = out.user;
  return startup_status::complete;
}

void append_request(std::string& out, std::initializer_list<std::uint32_t> words) {
  char word[4];
  store_u32(word, static_cast<std::uint32_t>(4 + 4 * words.size()));
  out.append(word, sizeof word);
  for (const auto w : words) {
    store_u32(word, w);
    out.append(word, sizeof word);
  }
}

}  // namespace

value_view startup_packet::find(std::string_view name) const noexcept {
  for (const auto& p : parameters)
    if (p.name == name) return {p.value, false};
  return {{}, true};
}

startup_status parse_startup(std::string_view bytes, startup_packet& out) noexcept {
  out = startup_packet{};
  if (bytes.size() < 4) return startup_status::need_more;
  out.size = load_u32(bytes.data());
  if (out.size < 8 || out.size > max_startup_bytes) return refuse(out, errc::bad_startup_length);
  if (bytes.size() < 8) return startup_status::need_more;
  const auto code = load_u32(bytes.data() + 4);
  if (code == ssl_request_code) return take_request(out, startup_kind::ssl_request, 8);
  if (code == gssenc_request_code) return take_request(out, startup_kind::gssenc_request, 8);
  if (code == cancel_request_code) {
    const auto status = take_request(out, startup_kind::cancel_request, 16);
    if (status == startup_status::error) return status;
    if (bytes.size() < 16) return startup_status::need_more;
    out.key = {load_u32(bytes.data() + 8), load_u32(bytes.data() + 12)};
    return status;
  }
  out.version = code;
  if (code >> 16 != 3) return refuse(out, errc::unsupported_version);
  if (bytes.size() < out.size) return startup_status::need_more;
  return read_parameters(bytes.substr(8, out.size - 8), out);
}

bool append_startup(std::string& out, std::span<const parameter_pair> parameters) {
  const auto start = out.size();
  append_request(out, {protocol_3_0});
  for (const auto& [name, value] : parameters) {
    const auto text = name.substr(0, name.find('\0'));
    if (text.empty()) continue;  // it would end the packet
    out.append(text).push_back('\0');
    out.append(value.substr(0, value.find('\0'))).push_back('\0');
  }
  out.push_back('\0');
  const auto size = out.size() - start;
  if (size > max_startup_bytes) {
    out.resize(start);
    return false;
  }
  store_u32(out.data() + start, static_cast<std::uint32_t>(size));
  return true;
}

void append_ssl_request(std::string& out) { append_request(out, {ssl_request_code}); }

void append_gssenc_request(std::string& out) { append_request(out, {gssenc_request_code}); }

void append_cancel_request(std::string& out, backend_key key) {
  append_request(out, {cancel_request_code, key.pid, key.secret});
}

void append_negotiate_protocol_version(std::string& out, const startup_packet& packet) {
  message_writer w(out, server_type::negotiate_protocol_version);
  w.u32(protocol_3_0);
  w.u32(packet.protocol_options);
  for (const auto& p : packet.parameters)
    if (p.name.starts_with(option_prefix)) w.cstring(p.name);
  w.finish_small();
}

}  // namespace fairing::codec::pgwire
