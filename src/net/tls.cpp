#include "net/tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace fairing::net {

namespace {
SSL_CTX* ctx_of(void* p) { return static_cast<SSL_CTX*>(p); }
SSL* ssl_of(void* p) { return static_cast<SSL*>(p); }
BIO* bio_of(void* p) { return static_cast<BIO*>(p); }

std::string openssl_error(std::string_view what) {
  std::string text(what);
  char line[256];
  while (const auto code = ERR_get_error()) {
    ERR_error_string_n(code, line, sizeof line);
    text += ": ";
    text += line;
  }
  return text;
}

std::error_code tls_error() { return std::make_error_code(std::errc::protocol_error); }

const unsigned char* bytes_of(const std::string& s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_len,
                    const unsigned char* in, unsigned in_len, void* context) {
  const auto& known = static_cast<const tls_context*>(context)->protocols();
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_len, bytes_of(known), static_cast<unsigned>(known.size()),
                            in, in_len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}
}  // namespace

result<std::shared_ptr<tls_context>> tls_context::server(const std::string& cert,
                                                         const std::string& key,
                                                         const std::string& protocol) {
  ERR_clear_error();
  SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
  auto self = std::shared_ptr<tls_context>(new tls_context(ctx, true, tls_verify::none, protocol));
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(ctx, select_protocol, self.get());
  if (SSL_CTX_use_certificate_chain_file(ctx, cert.c_str()) != 1)
    return fail(tls_error(), openssl_error("cannot use certificate " + cert));
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(tls_error(), openssl_error("cannot use private key " + key));
  if (SSL_CTX_check_private_key(ctx) != 1)
    return fail(tls_error(), openssl_error("key " + key + " does not belong to " + cert));
  return self;
}

result<std::shared_ptr<tls_context>> tls_context::client(const std::string& ca_file,
                                                         tls_verify verify,
                                                         const std::string& protocol) {
  ERR_clear_error();
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  auto self = std::shared_ptr<tls_context>(new tls_context(ctx, false, verify, protocol));
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(ctx, verify == tls_verify::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (verify == tls_verify::none) return self;
  const int ok = ca_file.empty() ? SSL_CTX_set_default_verify_paths(ctx)
                                 : SSL_CTX_load_verify_locations(ctx, ca_file.c_str(), nullptr);
  if (ok != 1) return fail(tls_error(), openssl_error("cannot read certificates from " + ca_file));
  return self;
}

tls_context::~tls_context() { SSL_CTX_free(ctx_of(ctx_)); }

tls_channel::tls_channel(std::shared_ptr<tls_context> context, const std::string& host)
    : context_(std::move(context)),
      ssl_(SSL_new(ctx_of(context_->native()))),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  BIO_set_mem_eof_return(bio_of(in_), -1);
  SSL_set_bio(ssl_of(ssl_), bio_of(in_), bio_of(out_));  // takes both
  if (context_->is_server()) {
    SSL_set_accept_state(ssl_of(ssl_));
    return;
  }
  SSL_set_connect_state(ssl_of(ssl_));
  const auto& known = context_->protocols();
  SSL_set_alpn_protos(ssl_of(ssl_), bytes_of(known), static_cast<unsigned>(known.size()));
  unsigned char address[16];
  const bool literal = ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
                       ::inet_pton(AF_INET6, host.c_str(), address) == 1;
  if (!literal) SSL_set_tlsext_host_name(ssl_of(ssl_), host.c_str());
  if (context_->verify() != tls_verify::full) return;
  auto* verify = SSL_get0_param(ssl_of(ssl_));
  if (literal) {
    X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size());
  }
}

tls_channel::~tls_channel() { SSL_free(ssl_of(ssl_)); }

void tls_channel::feed(std::string_view bytes) {
  BIO_write(bio_of(in_), bytes.data(), static_cast<int>(bytes.size()));
}

tls_step tls_channel::outcome(int rc) {
  if (rc > 0) return tls_step::done;
  switch (SSL_get_error(ssl_of(ssl_), rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return tls_step::want_read;
    case SSL_ERROR_ZERO_RETURN:
      return tls_step::closed;
    default:
      break;
  }
  error_ = openssl_error("TLS");
  const auto verify = SSL_get_verify_result(ssl_of(ssl_));
  if (verify != X509_V_OK && context_->verify() != tls_verify::none)
    error_ = std::string("certificate refused: ") + X509_verify_cert_error_string(verify);
  return tls_step::failed;
}

tls_step tls_channel::handshake() {
  ERR_clear_error();
  return outcome(SSL_do_handshake(ssl_of(ssl_)));
}

tls_step tls_channel::read(std::span<char> out, std::size_t& bytes) {
  ERR_clear_error();
  bytes = 0;
  return outcome(SSL_read_ex(ssl_of(ssl_), out.data(), out.size(), &bytes));
}

tls_step tls_channel::write(std::string_view bytes) {
  if (bytes.empty()) return tls_step::done;
  ERR_clear_error();
  std::size_t written = 0;  // a memory BIO takes everything
  return outcome(SSL_write_ex(ssl_of(ssl_), bytes.data(), bytes.size(), &written));
}

bool tls_channel::idle() {
  ERR_clear_error();
  char byte = 0;
  std::size_t n = 0;
  return outcome(SSL_peek_ex(ssl_of(ssl_), &byte, 1, &n)) == tls_step::want_read;
}

void tls_channel::close_notify() {
  ERR_clear_error();
  (void)SSL_shutdown(ssl_of(ssl_));
}

std::string tls_channel::take_output() {
  std::string out;
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio_of(out_), &data);
  if (n > 0) {
    out.assign(data, static_cast<std::size_t>(n));
    (void)BIO_reset(bio_of(out_));
  }
  return out;
}

}  // namespace fairing::net
