// script_writer: random short programs of one client, and what PostgreSQL answers to each of their messages.
//
// Problem: a pooler must look like one server of one's own. So the writer keeps what such a server would know of this
// connection - statements prepared under which names, settings - and every answer follows from that.
//
// Flow:  script_writer w(client, seed, options); w.connected(number);  while (...) run(w.next(), w.names());
// After a script that a server's fault cut short the state is not known: connect again, call connected().
// Lifecycle: one a client.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "script.hpp"
#include "statements.hpp"

namespace fairing::torture {

struct script_options {
  std::uint32_t texts = 1500;        // different statements that clients prepare
  std::uint32_t large_rows = 3000;   // of a large result
  bool writes = true;                // the table of `schema()` is there
  std::vector<std::string> without;  // kinds that are left out
};

// The table that scripts write to.
[[nodiscard]] const char* schema() noexcept;
[[nodiscard]] std::vector<std::string> all_kinds();

class script_writer {
 public:
  script_writer(std::uint32_t client, std::uint64_t seed, const script_options& o);
  // The connection is there, nothing has been said on it.
  void connected(std::uint32_t number);
  [[nodiscard]] script next();
  // What application_name is before, in and after the last script.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] std::string first_name() const;  // the start-up parameter
  // Three of four clients have the same settings and leave them so: their statements can be sent behind one another.
  [[nodiscard]] bool is_plain() const noexcept { return client_ % 4 != 0; }
  // At random, for those who break things.
  [[nodiscard]] std::uint32_t below(std::uint32_t n);
  [[nodiscard]] bool chance(double p);

 private:
  using writer = void (script_writer::*)(script&);
  struct kind {
    const char* name;
    std::uint32_t weight;
    writer write;
  };
  static const std::array<kind, 19> kinds;
  friend std::vector<std::string> all_kinds();

  [[nodiscard]] std::string tag();
  [[nodiscard]] wanted ask();
  step& add(script& s);

  void simple(script& s);
  void several(script& s);
  void unnamed(script& s);
  void two_packets(script& s);
  void parse_first(script& s);
  void named(script& s);
  void sql_prepare(script& s);
  void transaction(script& s);
  void pipeline(script& s);
  void batch(script& s);
  void copy(script& s);
  void writes(script& s);
  void copy_in(script& s);
  void settings(script& s);
  void local_settings(script& s);
  void cancelled(script& s);
  void wide(script& s);
  void portal(script& s);
  void error(script& s);

  // One statement in a step, at the status that it leaves.
  void one(step& s, char status);
  void pick_named(step& s, char status);
  void failed_transaction(script& s);
  void set(step& s, const std::string& name, const std::string& value, char status);
  void verify_settings(step& s, char status);

  std::uint32_t client_;
  std::mt19937_64 random_;
  script_options options_;
  std::uint32_t connection_ = 0;
  std::uint32_t statement_ = 0;
  std::uint32_t statements_in_script_ = 0;
  std::vector<std::uint32_t> weights_;
  std::uint32_t weight_sum_ = 0;

  // What a server of one's own would know.
  std::array<std::optional<std::uint32_t>, 40> named_;   // slot: name "s<slot>", value: which text
  std::array<std::optional<std::uint32_t>, 10> by_sql_;  // the same of PREPARE: "p<slot>"
  std::string name_, timeout_;
  std::vector<std::string> names_;
};

}  // namespace fairing::torture
