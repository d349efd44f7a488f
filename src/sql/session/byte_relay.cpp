#include "sql/session/byte_relay.hpp"

namespace fairing::sql {

using codec::pgwire::client_type;
using codec::pgwire::frame;
using codec::pgwire::type_set;

std::size_t byte_relay::from_client(std::string_view bytes) noexcept {
  constexpr type_set all = type_set::all();
  std::size_t used = 0;
  while (used < bytes.size() && !ended()) {
    const auto rest = bytes.substr(used);
    if (client_.at_boundary() && rest[0] == static_cast<char>(client_type::terminate)) {
      ended_ = true;
      break;
    }
    const auto p = client_.scan(rest, all);
    frame f;
    if (p.error != codec::pgwire::errc::ok || !client_.next(rest, f)) break;
    used += f.bytes.size();
    if (!f.ends) continue;
    switch (f.client()) {
      case client_type::query:
      case client_type::function_call:
        ++asked_;
        break;
      case client_type::sync:
        ++asked_;
        unsynced_ = false;
        break;
      case client_type::parse:
      case client_type::bind:
      case client_type::describe:
      case client_type::execute:
      case client_type::close:
        unsynced_ = true;
        break;
      default:
        break;
    }
  }
  return used;
}

bool byte_relay::from_server(std::string_view bytes) noexcept {
  const auto p = server_.scan(bytes);
  if (p.error != codec::pgwire::errc::ok) return false;
  if (p.ready != 0) {
    answered_ += p.ready;
    status_ = p.status;
  }
  return true;
}

}  // namespace fairing::sql
