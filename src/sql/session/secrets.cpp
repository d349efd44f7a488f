#include "sql/session/secrets.hpp"

namespace fairing::sql {

namespace {
constexpr seconds told_for{60};
}

secret_cache::keeper::keeper(secret_cache& cache, std::string user)
    : cache_(cache), user_(std::move(user)) {
  const std::lock_guard lock(cache_.mutex_);
  auto& e = cache_.at(user_);
  if (e.kept++ == 0) cache_.order_.erase(e.place);
}

secret_cache::keeper::~keeper() {
  const std::lock_guard lock(cache_.mutex_);
  auto& e = cache_.users_.at(user_);
  if (--e.kept > 0) return;
  cache_.order(user_, e);
}

secret_cache::entry* secret_cache::find(const std::string& user) {
  const auto found = users_.find(user);
  if (found == users_.end()) return nullptr;
  auto& e = found->second;
  if (e.kept == 0) order_.splice(order_.begin(), order_, e.place);
  return &e;
}

secret_cache::entry& secret_cache::at(const std::string& user) {
  if (auto* known = find(user)) return *known;
  auto& made = users_[user];
  order(user, made);
  return made;
}

// One that was not in order_.
void secret_cache::order(const std::string& user, entry& e) {
  if (order_.size() >= most_) {
    users_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(user);
  e.place = order_.begin();
}

std::optional<scram::login_keys> secret_cache::keys_of(const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto* e = find(user);
  return e ? e->keys : std::nullopt;
}

void secret_cache::add_keys(const std::string& user, const scram::login_keys& keys) {
  const std::lock_guard lock(mutex_);
  at(user).keys = keys;
}

std::optional<secret_cache::answer> secret_cache::told(const std::string& user, mono_time now) {
  const std::lock_guard lock(mutex_);
  const auto fresh = [now](mono_time at) { return at != mono_time::min() && now - at <= told_for; };
  if (const auto at = unknown_.find(user); at != unknown_.end() && fresh(at->second))
    return answer{};
  const auto* e = find(user);
  if (!e || !e->secret || !fresh(e->told_at)) return std::nullopt;
  return answer{e->secret};
}

void secret_cache::tell(const std::string& user, credential_ptr secret, mono_time now) {
  const std::lock_guard lock(mutex_);
  if (secret) {
    auto& e = at(user);
    e.secret = std::move(secret);
    e.told_at = now;
    unknown_.erase(user);
    return;
  }
  if (auto* e = find(user)) e->secret = nullptr;  // it had one
  if (unknown_.size() >= most_unknown_) unknown_.clear();
  unknown_[user] = now;
}

credential_ptr secret_cache::last_told(const std::string& user) {
  const std::lock_guard lock(mutex_);
  const auto* e = find(user);
  return e ? e->secret : nullptr;
}

void secret_cache::ask_again() {
  const std::lock_guard lock(mutex_);
  for (auto& [user, e] : users_) e.told_at = mono_time::min();
  unknown_.clear();
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
