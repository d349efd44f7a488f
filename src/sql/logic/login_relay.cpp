#include "sql/logic/login_relay.hpp"

#include <algorithm>
#include <array>

#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/server_writer.hpp"

namespace fairing::sql {

namespace pgwire = codec::pgwire;
using pgwire::auth_kind;
using pgwire::header_bytes;
using pgwire::server_type;
using pgwire::sqlstate;

namespace {
constexpr std::size_t longest_message = 64 * 1024;
constexpr std::size_t longest_proof = 16 * 1024;
constexpr std::uint32_t most_rounds = 64;
constexpr std::uint32_t most_messages = 256;
constexpr std::size_t most_mechanisms = 8;
constexpr std::string_view with_binding = "-PLUS";
constexpr std::string_view know_a_secret =
    "give Fairing a secret of this user: a password in sql.upstream, sql.users, or sql.auth_query";
}  // namespace

login_relay::step login_relay::fail(sqlstate code, std::string message, std::string hint) {
  refusal_ = {code, std::move(message), std::move(hint)};
  return step_ = step::failed;
}

login_relay::step login_relay::from_server(std::string_view bytes, std::size_t& taken) {
  taken = 0;
  while (step_ == step::server && bytes.size() - taken >= header_bytes) {
    const auto rest = bytes.substr(taken);
    const auto& rule = pgwire::rule_of(pgwire::direction::from_server, rest[0]);
    const auto length = pgwire::load_u32(rest.data() + 1);
    if (length < rule.min_length ||
        length > std::min<std::size_t>(rule.max_length, longest_message))
      return fail(sqlstate::protocol_violation,
                  "what answers at sql.upstream does not speak PostgreSQL's protocol");
    if (rest.size() <= length) break;
    if (++messages_ > most_messages)
      return fail(sqlstate::protocol_violation, "PostgreSQL's log-in does not end");
    taken += length + 1;
    step_ = on_server(rest[0], rest.substr(0, length + 1UL));
  }
  // Nothing was asked yet: what follows belongs to nobody.
  if (step_ == step::ready && taken < bytes.size())
    return fail(sqlstate::protocol_violation, "PostgreSQL said more than the end of the log-in");
  return step_;
}

login_relay::step login_relay::on_server(char type, std::string_view message) {
  const auto body = message.substr(header_bytes);
  switch (static_cast<server_type>(type)) {
    case server_type::authentication:
      return on_authentication(message);
    case server_type::error_response: {
      const auto e = pgwire::read_error(body);
      if (!e) return fail(sqlstate::protocol_violation, "PostgreSQL's error does not parse");
      code_ = e->sqlstate;
      to_client.append(message);
      return step::refused;
    }
    case server_type::notice_response:
      to_client.append(message);
      return step::server;
    case server_type::negotiate_protocol_version:
      return step::server;  // nothing was asked for that it could lack
    case server_type::parameter_status:
      if (!authenticated_) break;
      to_client.append(message);
      return step::server;
    case server_type::backend_key_data: {
      const auto key = pgwire::read_backend_key_data(body);
      if (!authenticated_ || !key) break;
      server_key_ = *key;
      pgwire::append_backend_key_data(to_client, options_.key);
      return step::server;
    }
    case server_type::ready_for_query:
      if (!authenticated_) break;
      to_client.append(message);
      return step::ready;
    default:
      break;
  }
  return fail(sqlstate::protocol_violation, "PostgreSQL sent an unexpected message at log-in");
}

login_relay::step login_relay::on_authentication(std::string_view message) {
  const auto a = pgwire::read_authentication(message.substr(header_bytes));
  if (!a || authenticated_)
    return fail(sqlstate::protocol_violation, "PostgreSQL's authentication does not parse");
  switch (a->kind) {
    case auth_kind::ok:
      if (!asked_ && !options_.may_be_trusted)
        return fail(sqlstate::invalid_authorization,
                    "PostgreSQL trusts Fairing's address, so nobody checks this log-in",
                    "have pg_hba.conf ask for a password; only clients of Fairing's own machine "
                    "come in without one");
      authenticated_ = true;
      to_client.append(message);
      return step::server;
    case auth_kind::cleartext_password:
      if (!options_.client_private || !options_.server_private)
        return fail(sqlstate::invalid_authorization,
                    "PostgreSQL asks for the password in clear text over a plain connection",
                    "use TLS on both sides of Fairing, or scram-sha-256 in pg_hba.conf");
      return ask(message);
    case auth_kind::md5_password:
    case auth_kind::sasl_continue:
      return ask(message);
    case auth_kind::sasl:
      return offer(*a);
    case auth_kind::sasl_final:
      to_client.append(message);
      return step::server;
    default:
      return fail(sqlstate::feature_not_supported,
                  "PostgreSQL asks for an authentication that Fairing does not pass on",
                  "Fairing passes on scram-sha-256, md5, password and trust");
  }
}

login_relay::step login_relay::ask(std::string_view message) {
  if (++rounds_ > most_rounds)
    return fail(sqlstate::protocol_violation, "PostgreSQL's log-in does not end");
  asked_ = true;
  to_client.append(message);
  return step::client;
}

// Channel binding ties the log-in to one TLS connection, but there are two: it is not offered onwards.
login_relay::step login_relay::offer(const pgwire::authentication_view& a) {
  std::array<std::string_view, most_mechanisms> kept;
  std::size_t n = 0;
  for (const auto& m : a.mechanisms)
    if (!m.text.empty() && !m.text.ends_with(with_binding) && n < kept.size()) kept[n++] = m.text;
  if (n == 0)
    return fail(sqlstate::feature_not_supported,
                "PostgreSQL offers log-ins with channel binding only, which end at its own TLS",
                std::string(know_a_secret));
  asked_ = sasl_offered_ = true;
  pgwire::append_authentication_sasl(to_client, std::span(kept).first(n));
  return step::client;
}

login_relay::step login_relay::from_client(std::string_view bytes, std::size_t& taken) {
  taken = 0;
  if (step_ != step::client || bytes.size() < header_bytes) return step_;
  const auto length = pgwire::load_u32(bytes.data() + 1);
  if (bytes[0] != static_cast<char>(pgwire::client_type::password) || length < 4 ||
      length > longest_proof)
    return fail(sqlstate::protocol_violation, "a password message was expected");
  if (bytes.size() <= length) return step_;
  const auto message = bytes.substr(0, length + 1UL);
  if (sasl_offered_) {
    sasl_offered_ = false;
    const auto first = pgwire::read_sasl_initial_response(message.substr(header_bytes));
    if (!first) return fail(sqlstate::protocol_violation, "a SASLInitialResponse does not parse");
    if (first->mechanism.ends_with(with_binding))
      return fail(sqlstate::protocol_violation, "a mechanism that was not offered");
    // "y": the client could bind and saw no offer. A PostgreSQL that made one takes that for an attack, rightly.
    if (options_.server_tls && !first->data.null && first->data.bytes.starts_with('y'))
      return fail(
          sqlstate::feature_not_supported,
          "channel binding cannot pass through Fairing, and there is TLS on both sides of it",
          "connect with channel_binding=disable, or " + std::string(know_a_secret));
  }
  to_server.append(message);
  taken = message.size();
  return step_ = step::server;
}

}  // namespace fairing::sql
