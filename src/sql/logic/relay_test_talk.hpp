// relay_test_talk: one relay with both of its peers played by the test.
//
// Flow:  talk t;  EXPECT_EQ(t.client(Q("..")), what the server got);  EXPECT_EQ(t.server(..), what the client got);
// A server is leased when the relay asks for one; other_server() makes the next lease a fresh one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sql/logic/relay.hpp"
#include "sql/logic/relay_test_wire.hpp"

namespace fairing::sql {

class talk {
 public:
  struct recorder final : relay_hooks {
    bool allow = true;
    std::optional<pool::pin_reason> reason;
    bool keep(std::optional<pool::pin_reason> r) override {
      reason = r;
      return allow;
    }
    [[nodiscard]] pin_use pins() const override { return {2, 2, session_listen}; }
    bool session_listen = true;
    void done(const statement_done&) override {}
    void leave_nothing() override { ++scrubbed; }
    int scrubbed = 0;
  };

  // `name`: application_name of its start-up.
  explicit talk(const std::string& name = {}, statement_limits limits = {}) : shared_(1, limits) {
    shared_.user = "app";
    relay_ = std::make_unique<relay>(
        shared_, hooks, 1,
        name.empty() ? settings_ptr() : shared_.settings.intern({{{"application_name", name}}}));
    other_server();
  }
  // What the server is sent because of it.
  std::string client(std::string_view bytes) {
    input_ += bytes;
    advance();
    return sent();
  }
  // What the client is shown because of it.
  std::string server(std::string_view bytes) {
    answers_ += bytes;
    const auto p = relay_->from_server(answers_, {});
    collect();
    answers_.erase(0, p.taken);
    released = p.released;
    broken = broken || p.broken;
    if (released) relay_->detach();
    if (p.proceed && !broken) advance();
    return shown();
  }
  std::string sent() { return std::exchange(sent_, {}); }
  std::string shown() { return std::exchange(shown_, {}); }
  void other_server() {
    servers_.push_back(std::make_unique<server_session>(shared_.settings.none(), 500));
  }
  void lose_server() {
    relay_->detach();
    relay_->fatal(pgwire::sqlstate::connection_failure, "the server connection broke");
    collect();
  }
  void limit(milliseconds l) { relay_->limited_by(l); }
  [[nodiscard]] bool pinned() const { return relay_->pinned(); }
  [[nodiscard]] bool lingers() const { return relay_->lingers(); }
  // Of the server that is leased next, or was last.
  server_session& session() { return *servers_.back(); }
  [[nodiscard]] std::size_t unread() const { return input_.size(); }
  [[nodiscard]] bool farewell() const { return relay_->farewell(); }

  recorder hooks;
  bool released = false;
  bool broken = false;
  int leases = 0;
  step last = step::read;

  relay_limits& limits() { return shared_.limits; }
  session_functions& functions() { return shared_.functions; }

 private:
  void advance() {
    for (;;) {
      std::size_t taken = 0;
      last = relay_->from_client(input_, taken, {});
      collect();
      input_.erase(0, taken);
      if (last != step::lease) return;
      ++leases;
      relay_->attach(*servers_.back());
    }
  }
  void collect() {
    const auto move = [](out_batch& from, std::string& to) {
      std::vector<std::string_view> parts;
      from.views(parts);
      for (const auto p : parts) to += p;
      from.clear();
    };
    move(relay_->to_server, sent_);
    move(relay_->to_client, shown_);
  }

  pool_shared shared_;
  std::vector<std::unique_ptr<server_session>> servers_;
  std::unique_ptr<relay> relay_;
  std::string input_, answers_, sent_, shown_;
};

}  // namespace fairing::sql
