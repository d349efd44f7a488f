#include "bench/lg/control.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "bench/lg/sockets.hpp"

namespace fairing::bench {

bool wait_for_stdin(double seconds) {
  const auto end_ns = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  for (auto now = now_ns(); now < end_ns; now = now_ns()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, static_cast<int>((end_ns - now) / 1'000'000) + 1) != 1) continue;
    std::array<char, 1> byte;
    return read(STDIN_FILENO, byte.data(), byte.size()) == 1;
  }
  return false;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

}  // namespace fairing::bench
