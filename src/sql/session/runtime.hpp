// runtime: what one configuration means to the cores: where PostgreSQL is, how it is reached, who may log in.
//
// Flow:  auto r = sql_runtime::make(config);    // reads certificates, derives keys: not on a core
// Immutable once made; a reload makes another. Threads: make() on the main thread, the rest on any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.hpp"
#include "codec/scram/keys.hpp"
#include "net/dialer.hpp"
#include "net/tls.hpp"
#include "sql/logic/sql_config.hpp"

namespace fairing::sql {

namespace scram = codec::scram;

// What a user is known by. One of password, scram, md5.
struct credential {
  std::string password;  // secret; opens servers
  std::optional<scram::scram_secret>
      scram;        // checks clients; made of the password where there is one
  std::string md5;  // secret: "md5" + 32 digits; checks clients and opens servers
};
using credential_ptr = std::shared_ptr<const credential>;

// Of a password, a SCRAM secret or an md5 secret, as they stand in pg_authid or a configuration. Slow for a password.
[[nodiscard]] result<credential_ptr> make_credential(const std::string& text);

struct sql_runtime {
  static result<std::shared_ptr<const sql_runtime>> make(const sql_config& c);

  sql_config config;
  std::uint32_t cores = 1;                       // of the database's machine, as far as is known
  std::uint32_t pool_size = 1;                   // servers, over all pools
  net::dial_target target;                       // plain: TLS begins after an SSLRequest
  std::shared_ptr<net::tls_context> server_tls;  // towards PostgreSQL; null: never
  std::shared_ptr<net::tls_context> client_tls;  // towards clients; null: none
  std::string channel_binding;                   // of client_tls
  std::unordered_map<std::string, credential_ptr> users;

  // Nobody's secret is known: whether a client may come in is PostgreSQL's to say.
  [[nodiscard]] bool without_secrets() const noexcept {
    return users.empty() && config.auth_query.empty();
  }
  [[nodiscard]] bool local() const noexcept;  // the database is on this machine
};
using runtime_ptr = std::shared_ptr<const sql_runtime>;

// Does `b` need other server connections than `a`?
[[nodiscard]] bool same_servers(const sql_config& a, const sql_config& b);

}  // namespace fairing::sql
