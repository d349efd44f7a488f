// The module's errors: their sentences and the statuses that answer them.
#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {
namespace {

const char* sentence(errc e) noexcept {
  switch (e) {
    case errc::ok:
      return "no error";
    case errc::bad_request_line:
      return "the first line is not `method SP target SP HTTP/1.x`";
    case errc::bad_status_line:
      return "the first line is not `HTTP/1.x SP 3DIGIT [SP reason]`";
    case errc::bad_method:
      return "the method is empty, longer than 32 bytes, or not a token";
    case errc::bad_target:
      return "the request target has a control character, a space, a fragment, a bad percent "
             "escape, "
             "or a form that the method does not allow";
    case errc::bad_version:
      return "the version is not HTTP/1.0 or HTTP/1.1";
    case errc::bare_cr:
      return "a CR is not followed by LF";
    case errc::bare_lf:
      return "an LF is not preceded by CR";
    case errc::bad_field_name:
      return "a field name is empty, not a token, or has white space before its colon";
    case errc::bad_field_value:
      return "a field value has NUL or another control character";
    case errc::obs_fold:
      return "a field line continues the one before (obs-fold)";
    case errc::bad_content_length:
      return "Content-Length is not a plain number, too large, or given more than once";
    case errc::bad_transfer_encoding:
      return "Transfer-Encoding is not exactly one `chunked`, or is used in HTTP/1.0";
    case errc::length_and_encoding:
      return "Content-Length comes together with Transfer-Encoding";
    case errc::bad_host:
      return "Host is missing, repeated, malformed, or unlike the authority of the target";
    case errc::head_too_large:
      return "the head is over its limit of bytes or of fields";
    case errc::target_too_long:
      return "the request target is over its limit";
    case errc::bad_chunk_size:
      return "a chunk size is not one to sixteen hexadecimal digits";
    case errc::bad_chunk_extension:
      return "a chunk extension is malformed or over its limit";
    case errc::bad_chunk_end:
      return "chunk data is not followed by CRLF";
    case errc::bad_trailer:
      return "the trailer section is malformed or over its limit";
  }
  return "unknown error";
}

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "http1"; }
  std::string message(int value) const override { return sentence(static_cast<errc>(value)); }
};

}  // namespace

const std::error_category& http1_category() noexcept {
  static const category instance;
  return instance;
}

std::uint16_t status_for(errc e) noexcept {
  switch (e) {
    case errc::head_too_large:
      return 431;
    case errc::target_too_long:
      return 414;
    case errc::bad_version:
      return 505;
    default:
      return 400;
  }
}

}  // namespace fairing::codec::http1
