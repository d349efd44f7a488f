// secrets: what was learned about users while running: keys that open servers, and what auth_query told.
//
// Problem: PostgreSQL asks for keys of a salt of its own, and deriving them takes milliseconds; a user known by a SCRAM
// secret only has keys once its client has logged in; auth_query must not run for every login.
//
// Flow:  auto keys = cache.keys_of(user);  ... cache.add_keys(user, derived);
//        if (auto known = cache.told(user, now)) ... else ask, then cache.tell(user, credential, now)
// What a pool opens its servers with stays while that pool lives: const auto kept = cache.keep(user);
// Names of strangers are kept apart: whoever can connect can send as many as it likes, and none may push out a user's.
// Bounds: `most` users that no pool keeps, the ones not used for longest go first; `most_unknown` names that auth_query
// does not know. What it told is kept for a minute.
// Threads: any; at log-in and when a server is opened only.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "codec/scram/keys.hpp"
#include "sql/session/runtime.hpp"

namespace fairing::sql {

class secret_cache {
 public:
  explicit secret_cache(std::size_t most = 4096, std::size_t most_unknown = 1024)
      : most_(most), most_unknown_(most_unknown) {}

  // While it lives, what is known of a user (now or later) makes room for nobody. It must not outlive the cache.
  class keeper {
   public:
    keeper(secret_cache& cache, std::string user);
    ~keeper();
    keeper(const keeper&) = delete;
    keeper& operator=(const keeper&) = delete;

   private:
    secret_cache& cache_;
    const std::string user_;
  };

  // The newest keys of a user.
  [[nodiscard]] std::optional<scram::login_keys> keys_of(const std::string& user);
  void add_keys(const std::string& user, const scram::login_keys& keys);

  struct answer {
    credential_ptr secret;  // null: auth_query knows no such user, or it may not log in
  };
  [[nodiscard]] std::optional<answer> told(const std::string& user, mono_time now);
  void tell(const std::string& user, credential_ptr secret, mono_time now);
  // Of any age: opens servers for a client that came in by it.
  [[nodiscard]] credential_ptr last_told(const std::string& user);
  // After a reload: nothing that was told holds any more. What opens servers stays: their clients are there.
  void ask_again();

  // PostgreSQL lets this user into this database without asking for anything, as was seen within the last minute.
  [[nodiscard]] bool trusted(const std::string& user, const std::string& database, mono_time now);
  void trust(const std::string& user, const std::string& database, mono_time now);

 private:
  struct entry {
    std::optional<scram::login_keys> keys;
    credential_ptr secret;
    mono_time told_at = mono_time::min();
    std::uint32_t kept = 0;                  // by so many keepers: then it is not in order_
    std::list<std::string>::iterator place;  // in order_
  };
  // Under mutex_; they count as a use.
  entry& at(const std::string& user);  // made if need be
  entry* find(const std::string& user);
  void order(const std::string& user, entry& e);
  std::mutex mutex_;
  const std::size_t most_;
  const std::size_t most_unknown_;
  std::unordered_map<std::string, entry> users_;
  std::list<std::string> order_;  // used last first; without those that are kept
  std::unordered_map<std::string, mono_time> unknown_;  // to auth_query, and since when
  std::unordered_map<std::string, mono_time> trusted_;
};

}  // namespace fairing::sql
