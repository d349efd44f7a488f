// traced_writes: the writes of watched traces, from a client's statements to bus::write_sets.
//
// Problem: what a statement wrote counts when its transaction is committed, and only the statement bears the trace: BEGIN
// and COMMIT mostly do not. So a client keeps its writes until its transaction is over.
//
// Flow (insight calls it; a client has a traced_client):
//   Query, Bind:       values = w.values_of_query(ids, text); values_of_bind(ids, definition, body)   // 0: not watched
//   statement over:    w.on_done(client, ids, rows, failed, printed)      // ids with those values
//   CommandComplete:   client.on_tag(tag)          ErrorResponse: client.on_error()
//   ReadyForQuery:     w.on_ready(client, idle)
// Bounds: 256 writes of an open transaction; beyond that its trace is told to be incomplete.
// Threads: the core's. Cost: one load a statement that bears a trace while nobody watches; else a lock and a hash.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bus/write_sets.hpp"
#include "sql/logic/text_ids.hpp"

namespace fairing::sql {

// A client's part.
class traced_client {
 public:
  void on_tag(std::string_view tag) noexcept {
    if (pending_.empty()) return;
    // Of several transactions before one ReadyForQuery it is not known which write was whose.
    mixed_ = mixed_ || rolled_back_ || (committed_ && tag == "ROLLBACK");
    rolled_back_ = tag == "ROLLBACK";
    committed_ = committed_ || tag == "COMMIT";
  }
  void on_error() noexcept { failed_ = !pending_.empty(); }

 private:
  friend class traced_writes;
  struct held {
    std::uint64_t key = 0;
    bus::write what;
  };
  std::vector<held> pending_;  // of the transaction
  bool failed_ = false;        // an error since the last ReadyForQuery
  bool rolled_back_ = false;   // the last completion was a ROLLBACK, or ROLLBACK TO
  bool committed_ = false;     // one before it was a COMMIT
  bool mixed_ = false;         // something came behind a ROLLBACK, or a ROLLBACK behind a COMMIT
};

class traced_writes {
 public:
  explicit traced_writes(bus::write_sets* sets) : sets_(sets) {}  // null: nobody asks

  [[nodiscard]] bool watches(text_ids ids) const noexcept {
    return sets_ != nullptr && ids.request != 0 && sets_->watches(ids.request);
  }
  [[nodiscard]] std::uint64_t values_of_query(text_ids ids, std::string_view text) const;
  // definition: text, NUL, types; body: of a whole Bind message.
  [[nodiscard]] std::uint64_t values_of_bind(text_ids ids, std::string_view definition,
                                             std::string_view body) const;
  void on_done(traced_client& c, text_ids ids, std::uint64_t rows, bool failed,
               std::string_view printed);
  void on_ready(traced_client& c, bool idle) {
    if (!c.pending_.empty()) settle(c, idle);
  }

 private:
  void settle(traced_client& c, bool idle);
  bus::write_sets* sets_;
};

}  // namespace fairing::sql
