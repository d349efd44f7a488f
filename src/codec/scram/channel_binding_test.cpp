#include "codec/scram/channel_binding.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace fairing::codec::scram {
namespace {

struct freed {
  void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
  void operator()(X509* p) const noexcept { X509_free(p); }
};

std::unique_ptr<X509, freed> certificate(EVP_PKEY* pair, const EVP_MD* hash) {
  std::unique_ptr<X509, freed> out(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), 3600);
  X509_set_pubkey(out.get(), pair);
  EXPECT_GT(X509_sign(out.get(), pair, hash), 0);
  return out;
}

std::string digest_of(const X509* cert, const EVP_MD* hash) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EXPECT_EQ(X509_digest(cert, hash, bytes, &size), 1);
  return {reinterpret_cast<const char*>(bytes), size};
}

TEST(channel_binding, takes_the_hash_of_the_signature) {
  const std::unique_ptr<EVP_PKEY, freed> pair(EVP_EC_gen("P-256"));
  ASSERT_TRUE(pair);
  for (const auto* hash : {EVP_sha256(), EVP_sha384(), EVP_sha512()}) {
    const auto cert = certificate(pair.get(), hash);
    EXPECT_EQ(tls_server_end_point(cert.get()), digest_of(cert.get(), hash));
  }
  const auto weak = certificate(pair.get(), EVP_sha1());
  EXPECT_EQ(tls_server_end_point(weak.get()), digest_of(weak.get(), EVP_sha256()));
}

TEST(channel_binding, is_empty_where_it_is_not_defined) {
  const std::unique_ptr<EVP_PKEY, freed> pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  ASSERT_TRUE(pair);
  const auto cert = certificate(pair.get(), nullptr);
  EXPECT_EQ(tls_server_end_point(cert.get()), "");
  EXPECT_EQ(tls_server_end_point(nullptr), "");
}

}  // namespace
}  // namespace fairing::codec::scram
