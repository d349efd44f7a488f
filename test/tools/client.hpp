// client: one connection after another that runs random scripts, checks every answer, and misbehaves now and then.
//
// Flow:  run_state run{...};  client c(run, 17);  loop.run([&] { return c.finished(); });
// It misbehaves by plan: closes in the midst of a step (at a message's boundary or within one), stops to read for a
// while, sends garbage. What it breaks itself is not lost; any other end of the connection is an `incident`.
// Lifecycle: as long as the loop runs. Threads: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "answer_check.hpp"
#include "login.hpp"
#include "loop.hpp"
#include "report.hpp"
#include "script_writer.hpp"

namespace fairing::torture {

struct misbehaviour {
  double close = 0;  // share of the steps in whose midst the client closes
  double stall =
      0;  // share of the steps (ten times of it for large ones) whose answer is not read for a while
  double garbage = 0;  // share of the scripts in whose place garbage is sent
};

// What the clients of a run share.
struct run_state {
  loop& events;
  report& out;
  credentials& login;
  address target;
  misbehaviour rates;
  script_options scripts;
  std::uint64_t seed = 1;
  std::uint32_t first_connection =
      0;                         // what tags count connections from: no two runs have the same tags
  std::uint64_t statements = 0;  // wanted of all clients together
  std::uint64_t issued = 0;      // of them
  std::int64_t hang_us = 60'000'000;
};

class canceller;

class client final : public handler {
 public:
  client(run_state& run, std::uint32_t number);
  ~client() override;
  [[nodiscard]] bool finished() const noexcept { return phase_ == phase::finished; }

  void on_events(std::uint32_t events) override;
  void on_tick(std::int64_t now) override;

 private:
  enum class phase : std::uint8_t {
    offline,      // until retry_at_
    connecting,   // the socket is on its way
    logging_in,   // see login
    running,      // a step's answers are awaited
    cancel_tail,  // the script is over, its cancel request is not
    garbage,      // garbage was sent: the server is to end the connection
    farewell,     // the server said FATAL: it is to end the connection
    finished,     // all statements are done
  };

  void connect();
  void close(bool by_reset);
  void retry(std::int64_t after_us);
  void ended();  // the server did
  void read();
  void take_messages();
  void take(char type, std::string_view body);
  void take_login(char type, std::string_view body);
  void login_failed(const std::string& why);
  void write();
  void wanted_events();

  void next_script();
  void send_step();
  void cut_short(const step& s);
  void send_garbage();
  void step_done();
  void script_done();
  void leave_politely();
  void fault(const std::string& what, bool about_a_row);
  [[nodiscard]] incident incident_now(std::string sqlstate, std::string text) const;

  run_state& run_;
  std::uint32_t number_;
  script_writer writer_;
  answer_check check_;
  std::optional<login> login_;
  std::unique_ptr<canceller> cancel_;

  phase phase_ = phase::offline;
  int fd_ = -1;
  std::uint32_t connection_;  // its number in tags
  std::string in_, out_;
  std::size_t sent_ = 0;  // of out_
  script script_;
  std::size_t step_ = 0;
  std::uint64_t rows_before_ = 0;
  bool may_be_late_ = false;  // the last script's cancel might still hit
  bool doomed_ = false;       // this step ends with our closing
  bool die_at_first_byte_ = false;
  bool stalled_ = false;
  std::int64_t retry_at_ = 0, die_at_ = 0, resume_at_ = 0, asked_at_ = 0, cancel_at_ = 0;
};

}  // namespace fairing::torture
