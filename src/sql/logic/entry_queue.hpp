// entry_queue: the messages that a server has yet to answer, in order.
//
// Problem: answers bear no ids; which message an answer belongs to is known only by order. A ring of small entries.
// Flow:  queue.push({...}); ... queue.front() ...; queue.pop();
// Cost: no allocation once the ring has grown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "sql/logic/statements.hpp"

namespace fairing::sql {

enum class entry_kind : std::uint8_t {
  query,               // Query: rows and completions, then ReadyForQuery
  parse,               // ParseComplete
  bind,                // BindComplete
  describe_statement,  // ParameterDescription, then RowDescription or NoData
  describe_portal,     // RowDescription or NoData
  execute,             // rows, then CommandComplete, EmptyQueryResponse or PortalSuspended
  close,               // CloseComplete
  sync,                // ReadyForQuery
  call,                // FunctionCallResponse, then ReadyForQuery
};

enum class purpose : std::uint8_t {
  client,     // the client's own: forwarded to it
  answered,   // the client's own, not sent to the server: answered here when its turn comes
  prepare,    // a statement that this server lacked
  unnamed,    // the client's unnamed statement, which this server lacked
  evict,      // a statement closed for want of room, or out of date
  apply,      // the client's settings
  sequences,  // other clients' last values of sequences discarded
  settle,     // a Sync that ends what was begun, so that the server can be given back or asked
  state,      // what the session holds
  functions,  // which functions change sessions
};

struct entry {
  entry_kind kind = entry_kind::query;
  purpose why = purpose::client;
  bool ends_wait = false;  // the client's next message goes on after it
  bool changes =
      false;  // it stands for the relay's oldest change of a name that no entry before it has
  bool refused = false;     // as `changes`, of the relay's refusals
  bool after_copy = false;  // sent behind a CopyDone or CopyFail
  bool names = false;       // its completions free names of statements
  bool renamed = false;     // a Bind of a shared statement
  bool whole = false;       // runs a statement that is (effects)
  text_ids ids;
  std::uint32_t statement = 0;  // id of the shared statement that it makes or closes on the server
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;             // of its rows
  std::uint64_t serial = 0;            // of the unnamed statement that it makes
  shared_statement* shared = nullptr;  // a reference is held
  const char* tag =
      nullptr;  // of an answered query, or of all completions of the client's: static text
  bool tag_told = false;
  std::int64_t began_us = 0;  // precise_us()
};

class entry_queue {
 public:
  entry_queue() : ring_(16) {}
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] entry& front() noexcept { return ring_[head_]; }
  [[nodiscard]] const entry& front() const noexcept { return ring_[head_]; }
  [[nodiscard]] entry& back() noexcept { return at(size_ - 1); }
  [[nodiscard]] entry& at(std::size_t i) noexcept {
    return ring_[(head_ + i) & (ring_.size() - 1)];
  }
  void push(const entry& e) {
    if (size_ == ring_.size()) grow();
    ready_due_ += ends_ready(e);
    statements_due_ += e.statement != 0;
    at(size_++) = e;
  }
  void pop() noexcept {
    ready_due_ -= ends_ready(front());
    statements_due_ -= front().statement != 0;
    head_ = (head_ + 1) & (ring_.size() - 1);
    --size_;
  }
  // Removes the i-th; O(size).
  void erase(std::size_t i) noexcept {
    ready_due_ -= ends_ready(at(i));
    for (; i + 1 < size_; ++i) at(i) = at(i + 1);
    --size_;
  }
  // How many make or close a statement of the server's.
  [[nodiscard]] std::size_t statements_due() const noexcept { return statements_due_; }
  // How many ReadyForQuery are due: until they came the transaction's status is not known.
  [[nodiscard]] std::size_t ready_due() const noexcept { return ready_due_; }

 private:
  static bool ends_ready(const entry& e) noexcept {
    return e.kind == entry_kind::query || e.kind == entry_kind::sync || e.kind == entry_kind::call;
  }
  void grow() {
    std::vector<entry> wider(ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) wider[i] = at(i);
    ring_ = std::move(wider);
    head_ = 0;
  }
  std::vector<entry> ring_;  // a power of two
  std::size_t head_ = 0;
  std::size_t size_ = 0;
  std::size_t ready_due_ = 0;
  std::size_t statements_due_ = 0;
};

// What some of the entries have besides, in the same order.
template <class T>
class fifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return begin_ == items_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size() - begin_; }
  [[nodiscard]] T& at(std::size_t i) noexcept { return items_[begin_ + i]; }
  [[nodiscard]] T& front() noexcept { return at(0); }
  void push(T item) { items_.push_back(std::move(item)); }
  void pop() {
    if (++begin_ == items_.size()) {
      clear();
    } else if (begin_ >= 1024 && begin_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
  }
  void clear() noexcept {
    items_.clear();
    begin_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t begin_ = 0;
};

}  // namespace fairing::sql
