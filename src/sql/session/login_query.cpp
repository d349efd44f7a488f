// sql.auth_query: a user's secret, asked of the database: name, secret, VALID UNTIL.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "sql/session/limits.hpp"
#include "sql/session/login.hpp"

namespace fairing::sql {

using pgwire::header_bytes;
using pgwire::server_type;

namespace {
constexpr std::uint32_t most_queries = 2;  // of a core, at a time
constexpr std::size_t longest_answer = 64 * 1024;

error failed(std::string why) {
  return {std::make_error_code(std::errc::io_error), "sql.auth_query failed: " + std::move(why)};
}

// VALID UNTIL, as PostgreSQL prints it with DateStyle ISO in UTC; "infinity" is no limit, nonsense is over.
bool still_valid(const pgwire::value_view& until) {
  if (until.null || until.bytes == "infinity") return true;
  std::tm t{};
  const std::string text(until.bytes);
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
                  &t.tm_min, &t.tm_sec) < 3)
    return false;
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  return ::timegm(&t) > now().wall.time_since_epoch().count();
}

struct query_answer {
  bool found = false;
  std::string secret;
  std::string fault;
};

// Of the whole answer up to ReadyForQuery; false: more is needed.
bool read_answer(std::string_view in, query_answer& out) {
  while (in.size() >= header_bytes) {
    const auto size = pgwire::load_u32(in.data() + 1) + 1UL;
    if (size < header_bytes || size > longest_answer) {
      out.fault = "an answer that is too long";
      return true;
    }
    if (in.size() < size) return false;
    const auto type = static_cast<server_type>(in[0]);
    const auto body = in.substr(header_bytes, size - header_bytes);
    if (type == server_type::ready_for_query) return true;
    if (type == server_type::error_response) out.fault = read_server_error(body).message;
    if (type == server_type::data_row && !out.found) {
      const auto row = pgwire::read_data_row(body);
      std::array<pgwire::value_view, 3> v{{{{}, true}, {{}, true}, {{}, true}}};
      std::size_t n = 0;
      if (row)
        for (const auto& each : *row)
          if (n < v.size()) v[n++] = each;
      if (n < 2) out.fault = "its rows need a name and a secret";
      if (n >= 2 && !v[1].null && !v[1].bytes.empty() && still_valid(v[2])) {
        out.found = true;
        out.secret = v[1].bytes;
      }
    }
    in.remove_prefix(size);
  }
  return false;
}
}  // namespace

// Null: there is no such user.
net::task<result<credential_ptr>> login::ask_database() {
  auto& secrets = part_.plane.secrets;
  for (;;) {
    if (const auto told = secrets.told(key_.user, now().mono)) co_return told->secret;
    if (part_.auth_queries < most_queries) break;
    net::event turn(part_.core);
    part_.auth_waiting.push_back(&turn);
    co_await turn.wait();
    std::erase(part_.auth_waiting, &turn);
    if (!stream_.is_open()) co_return std::unexpected(failed("no time is left"));
  }
  ++part_.auth_queries;
  auto answer = co_await run_auth_query();
  --part_.auth_queries;
  for (auto* w : part_.auth_waiting) w->set();
  if (answer) secrets.tell(key_.user, *answer, now().mono);
  co_return answer;
}

net::task<result<credential_ptr>> login::run_auth_query() {
  const auto& up = runtime_->config.upstream;
  credential_ptr own;
  if (const auto at = runtime_->users.find(up.user); at != runtime_->users.end()) own = at->second;
  const auto database = up.database.empty() ? (console_ ? up.user : key_.database) : up.database;
  const auto deadline = now().mono + runtime_->config.limits.connect;
  auto server = co_await open_server(part_, runtime_,
                                     {up.user,
                                      database,
                                      {{"application_name", "fairing auth_query"},
                                       {"client_encoding", "UTF8"},
                                       {"datestyle", "ISO"},
                                       {"timezone", "UTC"}},
                                      own},
                                     deadline);
  if (!server.stream) co_return std::unexpected(failed(server.error.message));
  const stream_limit limit(part_.core, *server.stream, deadline);
  std::string text;
  const pgwire::value_view name{key_.user, false};
  if (!pgwire::append_parse(text, "", runtime_->config.auth_query,
                            std::span<const std::uint32_t>{}) ||
      !pgwire::append_bind(text, {.portal = "",
                                  .statement = "",
                                  .parameter_formats = {},
                                  .parameters = std::span(&name, 1),
                                  .result_formats = {}}))
    co_return std::unexpected(failed("it is too long"));
  pgwire::append_execute(text, "", 1);
  pgwire::append_sync(text);
  const auto ec = co_await server.stream->write(text);
  if (ec) co_return std::unexpected(failed(ec.message()));
  std::string in;
  query_answer answer;
  while (!read_answer(in, answer)) {
    answer = {};
    const auto r = co_await server.stream->read_some(part_.scratch);
    if (!r.ok() || in.size() > longest_answer)
      co_return std::unexpected(failed("PostgreSQL did not answer"));
    in.append(part_.scratch.data(), r.bytes);
  }
  text.clear();
  pgwire::append_terminate(text);
  (void)co_await server.stream->write(text);
  if (!answer.fault.empty()) co_return std::unexpected(failed(answer.fault));
  if (!answer.found) co_return credential_ptr();
  if (scram::kind_of(answer.secret) != scram::secret_kind::plain)
    co_return make_credential(answer.secret);
  auto derived = co_await derive_credential(part_, std::move(answer.secret));
  co_return derived;
}

}  // namespace fairing::sql
