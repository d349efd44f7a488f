// terminal: the terminal as `fairing top` needs it: single keys, nothing echoed, and back as it was at the end.
//
// Flow:  key_terminal keys;  while (!keys.quit_within(1s)) draw();
// Lifecycle: one at a time. The destructor gives the terminal back; so do SIGINT, SIGTERM and SIGHUP, which end the
// process with exit code 0: leaving `top` is no failure. Where stdin is no terminal only signals end it.
// Threads: one.
#pragma once

#include <chrono>

namespace fairing::app {

class key_terminal {
 public:
  key_terminal();
  ~key_terminal();
  key_terminal(const key_terminal&) = delete;
  key_terminal& operator=(const key_terminal&) = delete;

  // Waits that long; true as soon as `q`, `Q` or Ctrl-D is pressed, or stdin has ended.
  [[nodiscard]] bool quit_within(std::chrono::milliseconds time);

 private:
  bool keys_ = false;  // stdin is a terminal
};

}  // namespace fairing::app
