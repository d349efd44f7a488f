#include "sql/session/server_error.hpp"

#include <algorithm>
#include <array>

#include "codec/pgwire/message_writer.hpp"

namespace fairing::sql {

bool server_error::is_of_the_names() const noexcept {
  constexpr std::array<std::string_view, 5> classes{"22", "28", "3D", "42", "55"};
  return std::ranges::any_of(classes, [this](auto c) { return sqlstate.starts_with(c); });
}

std::string server_error::text() const {
  if (!known() || sqlstate.empty()) return message;
  return message + " (" + sqlstate + ")";
}

std::string_view server_error::kind() const noexcept {
  if (is_of_the_user()) return "it refuses the user";
  if (is_of_the_names()) return "it refuses the database";
  if (postgres_is_full()) return "it has no connection left";
  if (sqlstate.starts_with("08")) return "it cannot be reached";
  return "it lets nobody in";
}

void server_error::append_fatal(std::string& out) const {
  using pgwire::message_writer;
  message_writer w(out, pgwire::server_type::error_response);
  const auto field = [&w](char kind, std::string_view text) {
    if (text.empty()) return;
    w.u8(static_cast<std::uint8_t>(kind));
    w.cstring(text.substr(0, 8192));
  };
  field('S', "FATAL");
  field('V', "FATAL");
  field('C', sqlstate.empty() ? code(pgwire::sqlstate::connection_failure) : sqlstate);
  field('M', message.empty() ? "the server connection failed" : message);
  field('D', detail);
  field('H', hint);
  w.u8(0);
  w.finish_small();
}

}  // namespace fairing::sql
