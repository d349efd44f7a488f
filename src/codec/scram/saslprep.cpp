#include "codec/scram/saslprep.hpp"

#include <stringprep.h>

#include <algorithm>
#include <vector>

#include "crypto/crypto.hpp"

namespace fairing::codec::scram {
namespace {

// libidn's profile of RFC 4013 with NFKC as the last step, as PostgreSQL does it, not the third. The
// difference shows in characters such as U+0340, which is prohibited and which NFKC maps to another.
std::vector<Stringprep_profile> make_profile() {
  std::vector<Stringprep_profile> steps;
  const Stringprep_profile* from = stringprep_saslprep;
  for (; from->operation != 0; ++from)
    if (from->operation != STRINGPREP_NFKC) steps.push_back(*from);
  steps.push_back(Stringprep_profile{STRINGPREP_NFKC, {}, nullptr, 0});
  steps.push_back(*from);
  return steps;
}

}  // namespace

std::string saslprep(std::string_view password) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(password.begin(), password.end(), plain)) return std::string(password);
  if (password.find('\0') != std::string_view::npos) return std::string(password);

  static const auto profile = make_profile();
  // NFKC makes at most 18 code points of one (U+FDFA), 33 bytes of its 3.
  std::string buffer(password.size() * 18 + 1, '\0');
  std::copy(password.begin(), password.end(), buffer.begin());
  const int code =
      stringprep(buffer.data(), buffer.size(), STRINGPREP_NO_UNASSIGNED, profile.data());
  std::string out(code == STRINGPREP_OK && buffer.front() != '\0' ? std::string_view(buffer.c_str())
                                                                  : password);
  crypto::wipe(buffer);
  return out;
}

}  // namespace fairing::codec::scram
