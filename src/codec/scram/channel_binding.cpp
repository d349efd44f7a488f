#include "codec/scram/channel_binding.hpp"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>

namespace fairing::codec::scram {

std::string tls_server_end_point(X509* certificate) {
  if (certificate == nullptr) return {};
  int hash_id = NID_undef;
  if (X509_get_signature_info(certificate, &hash_id, nullptr, nullptr, nullptr) != 1) return {};
  const EVP_MD* hash = nullptr;
  if (hash_id == NID_md5 || hash_id == NID_sha1)
    hash = EVP_sha256();
  else if (hash_id != NID_undef)
    hash = EVP_get_digestbynid(hash_id);
  if (hash == nullptr) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, hash, digest.data(), &size) != 1) return {};
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace fairing::codec::scram
