#include "net/errc.hpp"

#include <cerrno>
#include <string>

namespace fairing::net {

namespace {
class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "net"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::ok:
        return "success";
      case errc::ended:
        return "the peer has ended the connection";
      case errc::closed:
        return "the connection was closed here";
      case errc::tls_failed:
        return "the TLS handshake failed";
      case errc::unknown_host:
        return "the name has no address";
      case errc::no_name_server:
        return "no name server answers";
      case errc::look_up_failed:
        return "the name server or the resolver's settings failed";
      case errc::look_up_late:
        return "the look-up took too long";
      case errc::look_ups_queued:
        return "too many look-ups wait for the name server";
    }
    return "unknown error";
  }
};
}  // namespace

const std::error_category& net_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

}  // namespace fairing::net
