#include "login.hpp"

#include <array>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/scram/md5.hpp"

namespace fairing::torture {

namespace pgwire = codec::pgwire;
namespace scram = codec::scram;
using pgwire::server_type;

std::string login::hello(std::string_view application_name) const {
  const std::array<pgwire::parameter_pair, 3> parameters{
      pgwire::parameter_pair{"user", credentials_.user},
      {"database", credentials_.database},
      {"application_name", application_name}};
  std::string out;
  static_cast<void>(pgwire::append_startup(out, parameters));
  return out;
}

login::state login::fail(std::string why) {
  error_ = std::move(why);
  return state::failed;
}

login::state login::take(char type, std::string_view body) {
  reply_.clear();
  switch (static_cast<server_type>(type)) {
    case server_type::authentication:
      return authenticate(body);
    case server_type::parameter_status:
    case server_type::notice_response:
      return state::more;
    case server_type::backend_key_data:
      if (const auto k = pgwire::read_backend_key_data(body)) {
        key_ = *k;
        return state::more;
      }
      return fail("BackendKeyData that cannot be read");
    case server_type::ready_for_query:
      return body == "I" ? state::in : fail("ReadyForQuery of another status after the log-in");
    case server_type::error_response:
      if (const auto e = pgwire::read_error(body)) return fail(std::string(e->sqlstate));
      return fail("ErrorResponse that cannot be read");
    default:
      return fail(std::string("message ") + type + " while logging in");
  }
}

login::state login::authenticate(std::string_view body) {
  const auto a = pgwire::read_authentication(body);
  if (!a) return fail("authentication request that cannot be read");
  switch (a->kind) {
    case pgwire::auth_kind::ok:
      return state::more;
    case pgwire::auth_kind::cleartext_password:
      pgwire::append_password(reply_, credentials_.password);
      return state::more;
    case pgwire::auth_kind::md5_password: {
      const auto secret = scram::md5_secret(credentials_.user, credentials_.password);
      if (!secret) return fail("md5 is not available");
      const auto answer = scram::md5_response(*secret, {a->salt.data(), a->salt.size()});
      if (!answer) return fail("md5 is not available");
      pgwire::append_password(reply_, *answer);
      return state::more;
    }
    case pgwire::auth_kind::sasl:
      scram_.emplace(scram::client_fsm::options{},
                     credentials_.keys ? &*credentials_.keys : nullptr);
      return step(scram_->start(body.substr(4)), true);
    case pgwire::auth_kind::sasl_continue:
      return scram_ ? step(scram_->on_continue(a->data), false) : fail("SASL out of turn");
    case pgwire::auth_kind::sasl_final:
      return scram_ ? step(scram_->on_final(a->data), false) : fail("SASL out of turn");
    default:
      return fail("an authentication that is not known here");
  }
}

login::state login::step(scram::client_step s, bool first) {
  if (s.what == scram::client_step::action::derive) {
    const auto keys =
        scram::derive_keys(credentials_.password, scram_->salt(), scram_->iterations());
    if (!keys) return fail("the keys cannot be derived");
    credentials_.keys = *keys;
    s = scram_->resume(*keys);
  }
  switch (s.what) {
    case scram::client_step::action::send:
      if (first)
        pgwire::append_sasl_initial_response(reply_, scram_->mechanism(), {s.bytes});
      else
        pgwire::append_sasl_response(reply_, s.bytes);
      return state::more;
    case scram::client_step::action::success:
      return state::more;
    default:
      return fail("SCRAM failed");
  }
}

}  // namespace fairing::torture
