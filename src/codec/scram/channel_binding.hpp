// channel_binding: what ties a login to the TLS connection it runs on.
//
// Problem: somebody who ends TLS between client and server could pass a login on. With -PLUS both ends
// sign the hash of the certificate that they see.
//
// Flow:  options.channel_binding = tls_server_end_point(certificate);   // X509* of the server
// Threads: any; libcrypto fills in what it caches in the certificate. Cost: microseconds; once a certificate is enough.
// Source: RFC 5929 §4.1, as PostgreSQL: the hash of the certificate's own signature algorithm,
// SHA-256 instead of MD5 and SHA-1.
#pragma once

#include <openssl/types.h>

#include <string>

namespace fairing::codec::scram {

// Raw bytes of the hash; empty if there is no certificate or its signature names no hash (Ed25519):
// -PLUS is then not possible.
[[nodiscard]] std::string tls_server_end_point(X509* certificate);

}  // namespace fairing::codec::scram
