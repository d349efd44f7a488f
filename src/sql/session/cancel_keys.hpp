// cancel_keys: which of our clients a CancelRequest means.
//
// Problem: the pid and secret that a client is told must be Fairing's own (its servers change), unguessable, and found
// from whichever core the request arrives at.
//
// Flow:  const auto key = keys.add({home core, pool, ...});  ... keys.find(key) ...  keys.remove(key.pid);
// Threads: any. Cost: one lock a login and a cancel; the compare takes the same time whatever is wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "codec/pgwire/startup.hpp"

namespace fairing::sql {

class sql_pool;

class cancel_keys {
 public:
  // A key nobody else has; nullopt if there are no random bytes.
  [[nodiscard]] std::optional<codec::pgwire::backend_key> add(std::weak_ptr<sql_pool> pool);
  void remove(std::uint32_t pid);
  // The pool of the client with this key, or null.
  [[nodiscard]] std::shared_ptr<sql_pool> find(codec::pgwire::backend_key key);

 private:
  struct entry {
    std::uint32_t secret = 0;
    std::weak_ptr<sql_pool> pool;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, entry> by_pid_;
};

}  // namespace fairing::sql
