// MD5 and SHA-256 by libcrypto.
#include "codec/sqs/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "codec/sqs/text.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::sqs {

namespace {

// Looked up once: the look-up by name takes longer than the digest of a small body.
const EVP_MD* md5_method() noexcept {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return method;
}

class md5_stream {
 public:
  md5_stream() noexcept : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    good_ = context_ != nullptr && md5_method() != nullptr &&
            EVP_DigestInit_ex2(context_.get(), md5_method(), nullptr) == 1;
  }
  void add(std::string_view bytes) noexcept {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  // With its length in front, four bytes, the highest first.
  void add_counted(std::string_view bytes) noexcept {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const std::array<char, 4> length{static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                                     static_cast<char>(size >> 8), static_cast<char>(size)};
    add({length.data(), length.size()});
    add(bytes);
  }
  [[nodiscard]] std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    std::string out;
    if (!good_ || EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1) return out;
    out.reserve(2 * std::size_t{size});
    append_hex(out, {reinterpret_cast<const char*>(bytes.data()), size});
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  bool good_ = false;
};

void add_attribute(md5_stream& stream, std::string_view name, std::string_view type,
                   std::string_view value, bool binary) {
  stream.add_counted(name);
  stream.add_counted(type);
  stream.add(binary ? std::string_view("\x02", 1) : std::string_view("\x01", 1));
  stream.add_counted(value);
}

}  // namespace

std::string md5_hex(std::string_view text) {
  md5_stream stream;
  stream.add(text);
  return stream.hex();
}

std::string md5_of_attributes(std::span<const message_attribute> attributes) {
  if (attributes.empty()) return {};
  md5_stream stream;
  for (const auto& a : attributes) add_attribute(stream, a.name, a.type, a.value, a.binary());
  return stream.hex();
}

std::string md5_of_trace_header(std::string_view trace_header) {
  if (trace_header.empty()) return {};
  md5_stream stream;
  add_attribute(stream, "AWSTraceHeader", "String", trace_header, false);
  return stream.hex();
}

std::string sha256_hex(std::string_view text) {
  crypto::key digest;
  std::string out;
  if (crypto::sha256(text, digest)) append_hex(out, digest.view());
  return out;
}

std::string sequence_number(std::uint64_t number) {
  std::string out(20, '0');
  for (auto at = out.rbegin(); number != 0; ++at, number /= 10)
    *at = static_cast<char>('0' + number % 10);
  return out;
}

}  // namespace fairing::codec::sqs
