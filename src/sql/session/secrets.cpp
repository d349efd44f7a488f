#include "sql/session/secrets.hpp"

namespace fairing::sql {

namespace {
constexpr seconds told_for{60};
}

secret_cache::entry& secret_cache::at(const std::string& user) {
  if (const auto found = users_.find(user); found != users_.end()) {
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second;
  }
  if (users_.size() >= most_) {
    users_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(user);
  auto& made = users_[user];
  made.place = order_.begin();
  return made;
}

std::optional<scram::login_keys> secret_cache::keys_of(const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  return found == users_.end() ? std::nullopt : found->second.keys;
}

void secret_cache::add_keys(const std::string& user, const scram::login_keys& keys) {
  const std::lock_guard lock(mutex_);
  at(user).keys = keys;
}

std::optional<secret_cache::answer> secret_cache::told(const std::string& user, mono_time now) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end() || found->second.told_at == mono_time::min() ||
      now - found->second.told_at > told_for)
    return std::nullopt;
  return answer{found->second.secret};
}

void secret_cache::tell(const std::string& user, credential_ptr secret, mono_time now) {
  const std::lock_guard lock(mutex_);
  auto& e = at(user);
  e.secret = std::move(secret);
  e.told_at = now;
}

credential_ptr secret_cache::last_told(const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : found->second.secret;
}

void secret_cache::ask_again() {
  const std::lock_guard lock(mutex_);
  for (auto& [user, e] : users_) e.told_at = mono_time::min();
  trusted_.clear();
}

bool secret_cache::trusted(const std::string& user, const std::string& database, mono_time now) {
  const std::lock_guard lock(mutex_);
  const auto found = trusted_.find(user + '\0' + database);
  return found != trusted_.end() && now - found->second <= told_for;
}

void secret_cache::trust(const std::string& user, const std::string& database, mono_time now) {
  const std::lock_guard lock(mutex_);
  if (trusted_.size() >= most_) trusted_.clear();
  trusted_[user + '\0' + database] = now;
}

}  // namespace fairing::sql
