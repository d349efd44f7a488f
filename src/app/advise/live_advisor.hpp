// live_advisor: the running instance's own index advice, and whether its pool fits max_connections.
//
// Problem: the statements that weigh are known here, while they run; and the pool's size is right or wrong
// with what others do now. So a thread looks, from time to time and at little cost, and keeps what it found.
//
// Flow:  live_advisor a({.settings = .., .workload = .., .on_room = ..});
//        const auto now = a.latest();     // never null; now->why says why there is nothing, or nothing new
// A round: one connection, opened for it and closed at its end; max_connections is read; where there is
// news (advice_rounds), the catalogue is read and the heaviest statements planned by give_advice(). Never
// EXPLAIN ANALYZE. The first round is at the start, the next within 10 s, then one each `every`; none while no
// statement comes.
// Bounds: 50 statements, 500 plans (200 a second) and 30 s a round; 5 s a statement, by the server.
// A failure costs a sentence in latest()->why; what was found before stays.
// Lifecycle: the destructor ends a round within 0.2 s (a look-up of the host's name may take longer).
// Threads: the hooks are called on the advisor's own; latest() any.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/advise/advice_rounds.hpp"
#include "app/advise/postgres_room.hpp"

namespace fairing::app::advise {

struct live_settings {
  std::string why_off;                 // not empty: no connection is made, and this is why
  std::string url;                     // with its password: for the connection only
  std::string database;                // of the URL
  std::vector<std::string> our_users;  // whose connections are the pools'
  milliseconds every{60'000};
};

struct live_workload {
  std::uint64_t calls = 0;  // of all statements since the start
  std::vector<indexes::workload_statement> statements;
};

struct table_size {
  std::string schema;
  std::string name;
  bool visible = true;  // without its schema
  double rows = -1;     // -1: never analysed
  std::vector<std::string> key =
      {};  // primary, or else unique and never NULL; as SQL has it; empty: none
};

struct live_advice {
  std::string why =
      "the first look is not over yet";  // why there is nothing (new); empty: all went well
  bool off = false;                      // by configuration, or for want of a user
  bool advised = false;                  // `found` is of this database
  std::string server;                    // PostgreSQL 15.18 at host:port/database
  std::string planner;                   // which what-if there is, or how to have it
  indexes::advice found;
  wall_time advised_at{};
  std::string database;  // whose tables these are
  std::vector<table_size> tables;
  std::optional<connection_room> room;

  // What runs in these databases, and what it calls orders, is of `tables`: it runs nowhere else.
  [[nodiscard]] bool is_of(const std::vector<std::string>& databases) const {
    return databases.size() == 1 && databases.front() == database;
  }
  // Of the largest of these tables, as statements name them; nullopt: none is known.
  [[nodiscard]] std::optional<std::uint64_t> rows_of(const std::vector<std::string>& names) const;
  // What tells the rows of this table apart. Of several: empty where no `id` is a key; nullopt: not known.
  [[nodiscard]] std::optional<std::vector<std::string>> key_of(
      const std::vector<std::string>& names) const;

 private:
  [[nodiscard]] const table_size* find(const std::string& name) const;
};

// How a round ended.
enum class round_outcome : std::uint8_t {
  advised,    // statements were planned
  unchanged,  // there was no news: only max_connections was read
  failed,     // no connection, or it did not answer
};
inline constexpr std::size_t round_outcomes = 3;
[[nodiscard]] std::string_view name_of(round_outcome o) noexcept;

struct live_hooks {
  std::function<live_settings()> settings;
  std::function<live_workload(const std::string& database)> workload;  // of that database
  std::function<void(const connection_room&)> on_room;                 // each time it was read
};

class live_advisor {
 public:
  explicit live_advisor(live_hooks hooks);
  ~live_advisor();
  live_advisor(const live_advisor&) = delete;
  live_advisor& operator=(const live_advisor&) = delete;

  [[nodiscard]] std::shared_ptr<const live_advice> latest() const;
  [[nodiscard]] std::uint64_t rounds(round_outcome o) const noexcept {
    return ended_[static_cast<std::size_t>(o)].load(std::memory_order_relaxed);
  }

 private:
  void run();
  void round(const live_settings& s);
  [[nodiscard]] result<round_outcome> look(const live_settings& s, const live_workload& work,
                                           live_advice& into);
  void publish(live_advice next);
  [[nodiscard]] bool wait(milliseconds time);  // false: it is over

  live_hooks hooks_;
  advice_rounds rounds_;
  bool again_ = false;  // the last round failed: the next one is due whatever comes
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const live_advice> latest_ = std::make_shared<live_advice>();
  std::array<std::atomic<std::uint64_t>, round_outcomes> ended_{};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fairing::app::advise
