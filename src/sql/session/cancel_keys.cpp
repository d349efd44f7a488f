#include "sql/session/cancel_keys.hpp"

#include <cstring>

#include "crypto/crypto.hpp"

namespace fairing::sql {

using codec::pgwire::backend_key;

std::optional<backend_key> cancel_keys::add(std::weak_ptr<sql_pool> pool) {
  for (;;) {
    const auto random = crypto::random_bytes(8);
    if (!random) return std::nullopt;
    backend_key key;
    std::memcpy(&key.pid, random->data(), 4);
    std::memcpy(&key.secret, random->data() + 4, 4);
    key.pid &= 0x7fff'ffff;  // drivers print it as a signed number
    if (key.pid == 0) continue;
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = by_pid_.try_emplace(key.pid, entry{key.secret, pool});
    if (fresh) return key;
  }
}

void cancel_keys::remove(std::uint32_t pid) {
  const std::lock_guard lock(mutex_);
  by_pid_.erase(pid);
}

std::shared_ptr<sql_pool> cancel_keys::find(backend_key key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_pid_.find(key.pid);
  if (at == by_pid_.end()) return nullptr;
  const std::string_view mine(reinterpret_cast<const char*>(&at->second.secret), 4);
  const std::string_view asked(reinterpret_cast<const char*>(&key.secret), 4);
  if (!crypto::constant_time_equal(mine, asked)) return nullptr;
  return at->second.pool.lock();
}

}  // namespace fairing::sql
