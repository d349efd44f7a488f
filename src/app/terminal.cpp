#include "app/terminal.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace fairing::app {

namespace {

constexpr char ctrl_d = 4;
constexpr char hide_cursor[] = "\x1b[?25l";
constexpr char show_cursor[] = "\x1b[?25h\n";
constexpr int ending[] = {SIGINT, SIGTERM, SIGHUP};

// Read by the signal handler: written before it is installed.
termios as_it_was;
bool have_keys = false;

// Only what a signal handler may call.
void give_back() {
  if (have_keys) ::tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was);
  (void)!::write(STDOUT_FILENO, show_cursor, sizeof show_cursor - 1);
}

void on_end(int) {
  give_back();
  ::_exit(0);
}

}  // namespace

key_terminal::key_terminal() {
  keys_ = ::tcgetattr(STDIN_FILENO, &as_it_was) == 0;
  have_keys = keys_;
  for (const int s : ending) std::signal(s, &on_end);
  if (keys_) {
    auto raw = as_it_was;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  (void)!::write(STDOUT_FILENO, hide_cursor, sizeof hide_cursor - 1);
}

key_terminal::~key_terminal() {
  for (const int s : ending) std::signal(s, SIG_DFL);
  give_back();
}

bool key_terminal::quit_within(std::chrono::milliseconds time) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
    pollfd in{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&in, keys_ ? 1 : 0, static_cast<int>(std::max(left.count(), 0L)));
    if (ready == 0) return false;
    if (ready < 0) continue;  // interrupted, as by a stop and continue
    char keys[64];
    const auto n = ::read(STDIN_FILENO, keys, sizeof keys);
    if (n <= 0) return true;
    if (std::any_of(keys, keys + n, [](char c) { return c == 'q' || c == 'Q' || c == ctrl_d; }))
      return true;
  }
}

}  // namespace fairing::app
