#include "codec/scram/message.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "codec/scram/keys.hpp"

namespace fairing::codec::scram {
namespace {

// Reads `x=value` pieces that commas separate.
class attributes {
 public:
  explicit attributes(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return ended_; }
  // Where the next piece begins.
  [[nodiscard]] std::size_t position() const noexcept { return at_; }

  // The next piece; malformed_message if there is none or it is not `letter=`.
  [[nodiscard]] errc any(char& name, std::string_view& value) noexcept {
    if (ended_) return errc::malformed_message;
    const auto rest = text_.substr(at_);
    const auto comma = std::min(rest.find(','), rest.size());
    const auto piece = rest.substr(0, comma);
    if (piece.size() < 2 || piece[1] != '=' || !is_letter(piece[0])) return errc::malformed_message;
    name = piece[0];
    value = piece.substr(2);
    ended_ = comma == rest.size();
    at_ += comma + (ended_ ? 0 : 1);
    return errc::ok;
  }

  // The next piece, which must be `name=`.
  [[nodiscard]] errc expect(char name, std::string_view& value) noexcept {
    char found = 0;
    if (const auto e = any(found, value); e != errc::ok) return e;
    if (found == name) return errc::ok;
    return found == 'm' ? errc::mandatory_extension : errc::malformed_message;
  }

 private:
  static bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

errc check_whole(std::string_view text) noexcept {
  if (text.size() > max_message_bytes) return errc::message_too_long;
  if (text.find('\0') != std::string_view::npos) return errc::embedded_nul;
  return errc::ok;
}

// `n,,` or `y,,` or `p=type,,`; text begins after it.
errc cut_gs2_header(std::string_view& text, client_first& out) noexcept {
  const auto whole = text;
  if (text.empty()) return errc::malformed_message;
  out.flag = text.front();
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return errc::malformed_message;
  const auto flag = text.substr(0, comma);
  if (out.flag == 'p' && flag.starts_with("p="))
    out.binding = flag.substr(2);
  else if (flag != "n" && flag != "y")
    return errc::malformed_message;
  text.remove_prefix(comma + 1);
  if (text.starts_with("a=")) return errc::authorization_identity;
  if (!text.starts_with(',')) return errc::malformed_message;
  text.remove_prefix(1);
  out.gs2_header = whole.substr(0, whole.size() - text.size());
  return errc::ok;
}

}  // namespace

bool is_nonce(std::string_view text, std::size_t max_bytes) noexcept {
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f && c != ','; };
  return !text.empty() && text.size() <= max_bytes && std::all_of(text.begin(), text.end(), fits);
}

errc parse(std::string_view text, client_first& out) noexcept {
  out = client_first{};
  if (const auto e = check_whole(text); e != errc::ok) return e;
  if (const auto e = cut_gs2_header(text, out); e != errc::ok) return e;
  out.bare = text;
  attributes pieces(text);
  std::string_view user;  // the start-up message has said who it is
  if (const auto e = pieces.expect('n', user); e != errc::ok) return e;
  if (const auto e = pieces.expect('r', out.nonce); e != errc::ok) return e;
  if (!is_nonce(out.nonce, max_client_nonce_bytes)) return errc::bad_nonce;
  while (!pieces.at_end()) {
    char name = 0;
    std::string_view ignored;
    if (const auto e = pieces.any(name, ignored); e != errc::ok) return e;
  }
  return errc::ok;
}

errc parse(std::string_view text, client_final& out) noexcept {
  out = client_final{};
  if (const auto e = check_whole(text); e != errc::ok) return e;
  attributes pieces(text);
  if (const auto e = pieces.expect('c', out.binding); e != errc::ok) return e;
  if (const auto e = pieces.expect('r', out.nonce); e != errc::ok) return e;
  if (!is_nonce(out.nonce, max_nonce_bytes)) return errc::bad_nonce;
  while (true) {
    const auto start = pieces.position();
    char name = 0;
    if (const auto e = pieces.any(name, out.proof); e != errc::ok) return e;
    if (name != 'p') continue;  // an optional extension
    out.without_proof = text.substr(0, start - 1);
    return pieces.at_end() ? errc::ok : errc::malformed_message;
  }
}

errc parse(std::string_view text, server_first& out) noexcept {
  out = server_first{};
  if (const auto e = check_whole(text); e != errc::ok) return e;
  attributes pieces(text);
  std::string_view count;
  if (const auto e = pieces.expect('r', out.nonce); e != errc::ok) return e;
  if (!is_nonce(out.nonce, max_nonce_bytes)) return errc::bad_nonce;
  if (const auto e = pieces.expect('s', out.salt); e != errc::ok) return e;
  if (const auto e = pieces.expect('i', count); e != errc::ok) return e;
  if (!pieces.at_end()) return errc::malformed_message;  // as libpq
  const auto iterations = parse_digits(count);
  if (!iterations || *iterations == 0 || *iterations > max_iterations) return errc::bad_iterations;
  out.iterations = static_cast<std::uint32_t>(*iterations);
  return errc::ok;
}

errc parse(std::string_view text, server_final& out) noexcept {
  out = server_final{};
  if (const auto e = check_whole(text); e != errc::ok) return e;
  if (text.starts_with("e=")) return errc::server_refused;
  attributes pieces(text);
  if (const auto e = pieces.expect('v', out.verifier); e != errc::ok) return e;
  return pieces.at_end() ? errc::ok : errc::malformed_message;
}

}  // namespace fairing::codec::scram
