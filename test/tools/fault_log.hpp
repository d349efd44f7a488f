// fault_log: what the fault proxy did and when, and which of a client's losses it explains.
//
// A line of the log is "AT_US WHAT BUSY TAG": WHAT is a name of `break_kind`; BUSY says whether the server owed an
// answer or had a transaction open; TAG is the last one that was sent to that server, or "-".
//
// Flow:  auto log = fault_log::read(path);  auto v = log.explain(report.lost);
// Source of the times: now_us(), which all processes of a machine share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report.hpp"

namespace fairing::torture {

struct broken {
  std::int64_t at_us = 0;
  std::string what;
  bool kills = false;  // the connection ended; else it was held up only
  bool busy = false;
  std::optional<std::uint32_t> client;  // of the tag
};

struct explained {
  std::uint64_t by_tag = 0;  // the killed server was at work for that very client
  std::uint64_t loosely =
      0;  // a server was killed at that time, and nobody else lost anything by it
  std::uint64_t not_at_all = 0;
  std::string first;  // of those, in words
};

class fault_log {
 public:
  // The file may be missing: then nothing was broken. Throws std::runtime_error for a line that is none.
  [[nodiscard]] static fault_log read(const std::string& path);
  void add(broken b) { all_.push_back(std::move(b)); }
  // Each kill explains one lost connection at most.
  [[nodiscard]] explained explain(const std::vector<incident>& lost) const;
  // A statement that was refused: some kill not long before it is enough, it may have been one of a log-in.
  [[nodiscard]] explained explain_refused(const std::vector<incident>& refused) const;
  [[nodiscard]] std::size_t kills() const;

 private:
  std::vector<broken> all_;
};

[[nodiscard]] std::optional<std::uint32_t> client_of_tag(std::string_view tag);
// The last whole tag within the bytes; "" if there is none.
[[nodiscard]] std::string_view last_tag(std::string_view bytes);

}  // namespace fairing::torture
