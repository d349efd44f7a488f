// fault_proxy: stands between a pooler and PostgreSQL and breaks connections at random places, and writes down each time.
//
// Problem: servers die in the midst of anything. This one knows where messages begin and end, so it can break a
// connection exactly between two of them or within one, in either direction, or hold it up.
//
// Flow:  fault_proxy p(loop, listen, target, rates, seed, log_file);  p.port();  loop.run(...)
// The log's lines are fault_log's. CancelRequests pass untouched.
// Lifecycle: as long as the loop. Bounds: what one side does not take is at most 256 KiB, then the other is not read.
#pragma once

#include <cstdint>
#include <cstdio>
#include <list>
#include <memory>
#include <random>
#include <string>

#include "codec/pgwire/frame_scanner.hpp"
#include "loop.hpp"

namespace fairing::torture {

// Shares of all messages of both directions.
struct break_rates {
  double kill = 0;    // before a message
  double within = 0;  // within one
  double delay = 0;   // 1 to 30 ms
  double freeze = 0;  // 200 to 800 ms, both directions
};

class fault_proxy;

// One connection of the pooler's, and the one to PostgreSQL for it.
class link {
 public:
  link(fault_proxy& owner, int accepted, int dialled);
  ~link();
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  [[nodiscard]] bool over() const noexcept { return over_; }
  void tick(std::int64_t now);

 private:
  class side final : public handler {
   public:
    side(link& l, int fd, bool client) : owner(l), fd(fd), is_client(client) {}
    void on_events(std::uint32_t events) override { owner.on_events(*this, events); }
    void on_tick(std::int64_t) override {}
    link& owner;
    int fd;
    bool is_client;          // the pooler's side
    std::string out;         // to be sent to it
    std::string held;        // came from it, not passed on yet
    std::int64_t until = 0;  // held so long
    bool ended = false;      // it sends no more
    bool shut = false;       // we told it that no more comes
    bool deaf = false;       // its socket is dead; what came from it is still to be passed on
    std::size_t plain = 0;   // bytes of it still to pass without being looked at
    bool typed = false;      // its messages have types now
    codec::pgwire::frame_scanner scanner{codec::pgwire::direction::from_client};
  };
  [[nodiscard]] side& other(side& s) noexcept { return s.is_client ? server_ : client_; }
  void on_events(side& s, std::uint32_t events);
  void read(side& s);
  void pass(side& from, std::string_view bytes);
  void pass_startup(side& from, std::string_view bytes);
  [[nodiscard]] bool break_here(side& from, std::string_view rest, const codec::pgwire::frame& f);
  void hold(side& s, std::string_view rest, std::int64_t us);
  void send(side& s);
  void wanted(side& s);
  void kill(const char* what);
  void note(const char* what);

  fault_proxy& owner_;
  side client_, server_;
  std::uint32_t asked_ = 0;  // Query, Sync and FunctionCall sent
  std::uint32_t ready_ = 0;  // ReadyForQuery seen
  std::string tag_ = "-";    // the last one sent
  bool over_ = false;
  bool in_transaction_ = false;  // as the last ReadyForQuery said
  bool harmless_ = false;        // a CancelRequest
};

class fault_proxy final : public handler {
 public:
  fault_proxy(loop& l, const address& listen, address target, break_rates rates, std::uint64_t seed,
              std::FILE* log);
  ~fault_proxy() override;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void on_events(std::uint32_t events) override;
  void on_tick(std::int64_t now) override;

 private:
  friend class link;
  [[nodiscard]] double dice() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

  loop& loop_;
  address target_;
  break_rates rates_;
  std::mt19937_64 random_;
  std::FILE* log_;
  std::uint16_t port_ = 0;
  int fd_;
  std::list<std::unique_ptr<link>> links_;
};

}  // namespace fairing::torture
