#include "sql/session/byte_relay.hpp"

#include <algorithm>
#include <utility>

#include "codec/pgwire/server_messages.hpp"
#include "sql/logic/limit_error.hpp"

namespace fairing::sql {

using codec::pgwire::client_type;
using codec::pgwire::frame;
using codec::pgwire::header_bytes;
using codec::pgwire::load_u32;
using codec::pgwire::server_type;
using codec::pgwire::type_set;

namespace {
constexpr std::size_t longest_error = 64 * 1024;  // a longer one is passed on as it comes
}

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
        by_sync_ = false;
        break;
      case client_type::sync:
        ++asked_;
        by_sync_ = true;
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

bool byte_relay::from_server(std::string_view bytes, out_batch& to, std::size_t& taken) {
  taken = 0;
  while (limited() && taken < bytes.size()) {
    const auto rest = bytes.substr(taken);
    auto n = std::max<std::size_t>(server_.open_bytes(), 1);
    if (server_.at_boundary()) {
      if (rest.size() < header_bytes) return true;
      n = std::max<std::size_t>(load_u32(rest.data() + 1) + 1UL, header_bytes);
      const bool error =
          rest[0] == static_cast<char>(server_type::error_response) && n <= longest_error;
      if (error && rest.size() < n) return true;
      if (error)
        if (const auto e = codec::pgwire::read_error(rest.substr(header_bytes, n - header_bytes));
            e && stopped_by_cancel(*e)) {
          append_limit_error(to.own(), std::exchange(limit_, milliseconds{0}));
          if (!watch(rest.substr(0, n))) return false;
          taken += n;
          continue;
        }
    }
    n = std::min(n, rest.size());
    to.borrow(rest.substr(0, n));
    taken += n;
    if (!watch(rest.substr(0, n))) return false;
  }
  const auto rest = bytes.substr(taken);
  to.borrow(rest);
  taken = bytes.size();
  return watch(rest);
}

bool byte_relay::watch(std::string_view bytes) noexcept {
  for (auto rest = bytes; !rest.empty();) {
    const auto p = server_.scan(rest, {server_type::copy_in_response, server_type::error_response});
    if (p.error != codec::pgwire::errc::ok) return false;
    if (p.ready != 0) {
      answered_ += p.ready;
      status_ = p.status;
    }
    rest.remove_prefix(p.consumed);
    frame f;
    if (rest.empty()) break;
    if (!server_.next(rest, f)) return false;
    if (f.server() == server_type::error_response)
      on_error(f);
    else if (f.ends)
      on_copy_in();
    rest.remove_prefix(f.bytes.size());
  }
  return true;
}

// One that came in two reads is not looked at: the end of the connection follows it anyway.
void byte_relay::on_error(const frame& f) noexcept {
  if (!f.whole()) return;
  const auto e = codec::pgwire::read_error(f.body());
  farewell_ = farewell_ || (e && e->fatal());
}

// PostgreSQL ignores the Sync that a driver sent with Execute: the one behind CopyDone will be answered.
void byte_relay::on_copy_in() noexcept {
  if (asked_ != answered_ + 1 || !by_sync_) return;
  --asked_;
  unsynced_ = true;
}

}  // namespace fairing::sql
