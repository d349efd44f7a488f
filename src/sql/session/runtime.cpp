#include "sql/session/runtime.hpp"

#include <openssl/ssl.h>

#include <thread>

#include "codec/scram/channel_binding.hpp"
#include "codec/scram/md5.hpp"
#include "pool/pool_size.hpp"

namespace fairing::sql {

namespace {
constexpr std::uint32_t foreign_cores = 4;  // of a database machine that nothing is known of

error invalid(std::string what) {
  return {std::make_error_code(std::errc::invalid_argument), std::move(what)};
}

result<void> set_tls(sql_runtime& r) {
  const auto& c = r.config;
  if (c.upstream.ssl != ssl_mode::disable && r.target.unix_path.empty()) {
    auto how = net::tls_verify::none;
    if (c.upstream.ssl == ssl_mode::verify_full) how = net::tls_verify::full;
    // As libpq: `require` with a root certificate checks the chain.
    if (c.upstream.ssl == ssl_mode::verify_ca ||
        (c.upstream.ssl == ssl_mode::require && !c.upstream.ssl_root.empty()))
      how = net::tls_verify::chain;
    auto tls = net::tls_context::client(c.upstream.ssl_root, how, "postgresql");
    if (!tls) return std::unexpected(invalid("sql.upstream: " + tls.error().message()));
    r.server_tls = std::move(*tls);
  }
  if (c.tls_cert.empty()) return {};
  auto tls = net::tls_context::server(c.tls_cert, c.tls_key, "postgresql");
  if (!tls) return std::unexpected(invalid("sql.tls: " + tls.error().message()));
  r.client_tls = std::move(*tls);
  r.channel_binding = scram::tls_server_end_point(
      SSL_CTX_get0_certificate(static_cast<SSL_CTX*>(r.client_tls->native())));
  return {};
}
}  // namespace

result<credential_ptr> make_credential(const std::string& text) {
  auto made = std::make_shared<credential>();
  switch (scram::kind_of(text)) {
    case scram::secret_kind::md5:
      made->md5 = text;
      break;
    case scram::secret_kind::scram: {
      auto secret = scram::parse_secret(text);
      if (!secret) return std::unexpected(secret.error());
      made->scram = std::move(*secret);
      break;
    }
    case scram::secret_kind::plain: {
      auto secret = scram::make_secret(text);
      if (!secret) return std::unexpected(secret.error());
      made->scram = std::move(*secret);
      made->password = text;
      break;
    }
  }
  return credential_ptr(std::move(made));
}

bool sql_runtime::local() const noexcept {
  const auto& h = target.host;
  return !target.unix_path.empty() || h == "localhost" || h == "::1" || h.starts_with("127.");
}

result<runtime_ptr> sql_runtime::make(const sql_config& c) {
  auto r = std::make_shared<sql_runtime>();
  r->config = c;
  const auto& up = c.upstream;
  if (up.host.starts_with('/'))
    r->target.unix_path = up.host + "/.s.PGSQL." + std::to_string(up.port);
  else
    r->target.host = up.host;
  r->target.port = up.port;
  if (const auto tls = set_tls(*r); !tls) return std::unexpected(tls.error());
  r->cores = c.pool.database_cores.value_or(
      r->local() ? std::max(1U, std::thread::hardware_concurrency()) : foreign_cores);
  r->pool_size = c.pool.size.value_or(pool::auto_size(r->cores, c.pool.spindles));
  const auto add = [&r](const std::string& name, const std::string& secret) -> result<void> {
    if (name.empty() || secret.empty()) return {};
    auto made = make_credential(secret);
    if (!made)
      return std::unexpected(
          invalid("the secret of sql user " + name + ": " + made.error().message()));
    r->users[name] = std::move(*made);
    return {};
  };
  if (const auto ok = add(up.user, up.password); !ok) return std::unexpected(ok.error());
  for (const auto& u : c.users)
    if (const auto ok = add(u.name, u.password.empty() ? u.scram : u.password); !ok)
      return std::unexpected(ok.error());
  return runtime_ptr(std::move(r));
}

bool same_servers(const sql_config& a, const sql_config& b) {
  const auto& x = a.upstream;
  const auto& y = b.upstream;
  return x.host == y.host && x.port == y.port && x.user == y.user && x.password == y.password &&
         x.ssl == y.ssl && x.ssl_root == y.ssl_root;
}

}  // namespace fairing::sql
